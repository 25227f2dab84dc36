"""From measurements to series of sizes: one per lesion, or the sum over target lesions per patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from metachron.base import ModelError

_KEY = ["patient", "lesion", "day"]
_ABSENT_EARLY = "absent before any measured size of the series"
_REASONS = {
    "not_evaluable": "not evaluable",
    "present": "a state without a size (present)",
    "progressed": "a state without a size (progressed)",
}
_NO_SIZE = pl.col("state").replace_strict(_REASONS, default=None, return_dtype=pl.String)
_NOT_TARGET = "not a target lesion"
_ONLY_SUM = "only a sum over lesions is known"
_TWICE = "a target lesion is recorded twice on one day, so the sum is not known"
_INCOMPLETE = "a component of the sum is missing"


@dataclass(frozen=True)
class SizeTable:
    """Sizes ready for computing.

    Parameters
    ----------
    used : patient, lesion (null: sum), day, size_mm (the limit where censored), censored.
    unused : the rows of ``measurements`` that are in no row of `used`, with column ``reason``.
    """

    used: pl.DataFrame
    unused: pl.DataFrame


def size_rows(
    measurements: pl.DataFrame, lesions: pl.DataFrame, size: Literal["sum", "lesion"], *, limit_mm: float
) -> SizeTable:
    """Return the series of sizes, and every row that is not part of them.

    ``measured`` sizes are used as measured, below the limit too; ``below_limit``, and ``absent`` from the first
    measured size of the series on, are left-censored at the limit. A sum over target lesions counts 0 for an absent
    lesion and the limit for one below it, as RECIST 1.1 has it (section 4.1, doi:10.1016/j.ejca.2008.10.026). It is
    censored when no component is measured: at the sum of the limits of those below, or at one limit when all are
    absent. It is missing when a component is not evaluable, not recorded on that day, or recorded twice.

    Raises
    ------
    ModelError
        if the limit is not positive, `size` is neither of the two, or single lesions are asked for where only sums
        are known.
    """
    if size not in ("sum", "lesion"):
        raise ModelError(f"size is 'sum' or 'lesion', not {size!r}")
    if not limit_mm > 0:
        raise ModelError(f"the limit of measurement is a size above 0 mm, not {limit_mm}")
    is_sum = pl.col("lesion").is_null()
    if size == "lesion":
        if not measurements.is_empty() and measurements["lesion"].null_count() == measurements.height:
            raise ModelError("only sums over lesions are known in this cohort, no single lesions: use size='sum'")
        rows = measurements.with_columns(pl.when(is_sum).then(pl.lit(_ONLY_SUM)).alias("reason"))
        return _split(_judge(rows, ["patient", "lesion"]), limit_mm)
    summed, parts = _sum_over_targets(measurements.filter(~is_sum), lesions, limit_mm)
    sums = measurements.filter(is_sum).with_columns(pl.lit(None, pl.String).alias("reason"))
    first = _first_measured(pl.concat([sums, parts.select(sums.columns)]), ["patient"])
    table = _split(_judge(pl.concat([sums, summed]), ["patient"], first), limit_mm)
    lost = table.unused.select("patient", "day", pl.col("reason").alias("lost"))
    lost_parts = parts.join(lost, on=["patient", "day"], how="left", maintain_order="left")
    why = pl.when(pl.col("lost").is_not_null()).then(pl.coalesce(_NO_SIZE, "lost"))
    lost_parts = lost_parts.with_columns(pl.coalesce("reason", why).alias("reason")).drop_nulls("reason")
    direct = table.unused.join(sums.select("patient").unique(), on="patient", how="semi", maintain_order="left")
    return SizeTable(table.used, pl.concat([direct, lost_parts.select(direct.columns)]))


def _first_measured(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    measured = rows.filter((pl.col("state") == "measured") & pl.col("reason").is_null())
    return measured.group_by(by).agg(pl.col("day").min().alias("first"))


def _judge(rows: pl.DataFrame, by: list[str], first: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the rows with the reason why a row cannot be used, where there is one."""
    first = _first_measured(rows, by) if first is None else first
    early = (pl.col("state") == "absent") & ~(pl.col("first") <= pl.col("day")).fill_null(False)
    reason = pl.coalesce("reason", pl.when(early).then(pl.lit(_ABSENT_EARLY)).otherwise(_NO_SIZE))
    joined = rows.join(first, on=by, how="left", maintain_order="left")
    return joined.with_columns(reason.alias("reason")).drop("first")


def _split(rows: pl.DataFrame, limit_mm: float) -> SizeTable:
    censored = pl.col("state") != "measured"
    used = rows.filter(pl.col("reason").is_null()).select(
        *_KEY,
        pl.when(censored).then(pl.max_horizontal(pl.lit(limit_mm), pl.col("size_mm").fill_null(0.0)))
        .otherwise(pl.col("size_mm")).alias("size_mm"),
        censored.alias("censored"),
    )  # fmt: skip
    return SizeTable(used, rows.filter(pl.col("reason").is_not_null()))


def _sum_over_targets(rows: pl.DataFrame, lesions: pl.DataFrame, limit_mm: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row per patient and day with the sum and its state, and the component rows with their reasons."""
    targets = lesions.filter(pl.col("role") == "target").select("patient", "lesion", pl.lit(True).alias("target"))
    expected = targets.group_by("patient").agg(pl.len().alias("expected"))
    ordered = rows.sort("patient", "day", "lesion", maintain_order=True)  # a sum does not depend on the order of rows
    parts = ordered.join(targets, on=["patient", "lesion"], how="left", maintain_order="left").with_columns(
        pl.when(pl.col("target").is_null()).then(pl.lit(_NOT_TARGET)).alias("reason")
    )
    state = pl.col("state")
    sums = (
        parts.filter(pl.col("reason").is_null())
        .group_by("patient", "day", maintain_order=True)
        .agg(
            pl.when(state == "absent").then(0.0).when(state == "below_limit").then(limit_mm)
            .otherwise(pl.col("size_mm")).sum().alias("size_mm"),
            (state == "measured").any().alias("measured"),
            (state == "below_limit").any().alias("below"),
            state.is_in(list(_REASONS)).any().alias("lost"),
            pl.col("lesion").n_unique().alias("recorded"),
            pl.len().alias("rows"),
        )
        .join(expected, on="patient", how="left", maintain_order="left")
    )  # fmt: skip
    missing = pl.col("lost") | (pl.col("recorded") < pl.col("expected"))
    return sums.select(
        "patient",
        pl.lit(None, pl.String).alias("lesion"),
        "day",
        "size_mm",
        pl.when("measured").then(pl.lit("measured"))
        .when("below").then(pl.lit("below_limit")).otherwise(pl.lit("absent")).alias("state"),
        pl.when(pl.col("rows") > pl.col("recorded")).then(pl.lit(_TWICE))
        .when(missing).then(pl.lit(_INCOMPLETE)).alias("reason"),
    ), parts.drop("target")  # fmt: skip
