"""Survival, progression-free survival and best response, as articles print them, in the tables of the schema."""

from __future__ import annotations

import polars as pl

from metachron.cohort.datasets.reading import text, to_days

OUTCOME_NOTE = (
    "Progression-free survival ends at the first of progression and death, observed up to the last day of follow-up "
    "for progression: a published PFS event on the day of death is kept as the death, not as a progression."
)


def outcomes(
    frame: pl.DataFrame, unit: str, *, survival: str, death: pl.Expr, pfs: str, progression: pl.Expr
) -> pl.DataFrame:
    """Return patient, death_day (death or last contact), death, progression_day (end of PFS) and progression.

    Parameters
    ----------
    frame : one row per patient, with column patient.
    unit : unit of the times, ``"day"``, ``"month"`` or ``"year"``.
    survival, pfs : columns of overall and progression-free survival.
    death, progression : Boolean; progression is true where progression-free survival ended by either event.
    """
    return frame.select(
        "patient",
        to_days(survival, unit).alias("death_day"),
        death.alias("death"),
        to_days(pfs, unit).alias("progression_day"),
        progression.alias("progression"),
    )


def outcome_tables(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return ``events`` and ``followup`` from what `outcomes` returns; an outcome with an empty cell has no rows.

    A progression-free survival that ends on the day of death ended by that death, so it gives no event of kind
    progression; min(progression, death) within the follow-up of progression gives back the published values.
    """
    death, progression = (frame.drop_nulls([f"{kind}_day", kind]) for kind in ("death", "progression"))
    by_death = pl.col("death").fill_null(False) & (pl.col("death_day") == pl.col("progression_day")).fill_null(False)
    events = [
        exact_events(death.filter("death"), "death", "death_day"),
        exact_events(progression.filter(pl.col("progression") & ~by_death), "progression", "progression_day"),
    ]
    followup = [
        followup_from_start(death, "death", "death_day"),
        followup_from_start(progression, "progression", "progression_day"),
    ]
    return {"events": pl.concat(events), "followup": pl.concat(followup)}


def missing_outcomes(frame: pl.DataFrame, kind: str) -> tuple[str, ...]:
    """Return the patients whose time or event of `kind` (``death`` or ``progression``) is empty."""
    empty = pl.col(f"{kind}_day").is_null() | pl.col(kind).is_null()
    return tuple(frame.filter(empty)["patient"])


def exact_events(frame: pl.DataFrame, kind: str, day: str) -> pl.DataFrame:
    """Return rows of ``events`` of one kind at days known exactly (column `day`)."""
    return frame.select(
        "patient",
        pl.lit(kind).alias("kind"),
        pl.col(day).alias("day_lower"),
        pl.col(day).alias("day_upper"),
        pl.lit(None, pl.String).alias("organ"),
    )


def followup_from_start(frame: pl.DataFrame, kind: str, last_day: str) -> pl.DataFrame:
    """Return rows of ``followup`` for one outcome, from day 0 to column `last_day`."""
    return frame.select(
        "patient", pl.lit(kind).alias("kind"), pl.lit(0.0).alias("entry_day"), pl.col(last_day).alias("last_day")
    )


def best_responses(
    frame: pl.DataFrame, column: str, *, criterion: str = "RECIST 1.1", assessor: str | None = None
) -> pl.DataFrame:
    """Return rows of ``assessments`` with the best response of each patient who has one (no day)."""
    return frame.select(
        "patient",
        pl.lit(None, pl.Float64).alias("day"),
        pl.lit(criterion).alias("criterion"),
        text(column).alias("response"),
        pl.lit(assessor, pl.String).alias("assessor"),
    ).drop_nulls("response")
