"""New lesions drawn from the model, and what visits show of them."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.cohort.new_lesions import NEW_LESION
from metachron.joint.design import Design
from metachron.joint.inversion import time_reached
from metachron.joint.new_lesions import expected_new_lesions, organ_log_shares
from metachron.joint.parts import ModelParts
from metachron.joint.population import PatientParameters
from metachron.joint.sites import Theta
from metachron.joint.stretches import Stretches

MOST = 1000
"""New lesions of one patient at most: a rate that gives more is a mistake."""


def draw_new_lesions(
    model: ModelParts,
    theta: Theta,
    individual: PatientParameters | None,
    design: Design,
    last_year: Float[np.ndarray, " patient"],
    knots_year: tuple[float, ...],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return the new lesions of patients, columns ``index`` (of the patient), ``day`` and ``organ`` (its index).

    One after another: the integral of the intensity from the one before (on the clock of the process) reaches a draw
    from the unit exponential distribution. In gap time a lesion is detected when it appears.

    Raises
    ------
    ModelError
        When a patient gets more than `MOST`.
    """
    part = model.new_lesions
    assert part is not None
    count = len(last_year)
    logits = np.asarray(organ_log_shares(model, theta, design))
    gap, start, origin = part.clock == "gap", np.zeros(count), np.zeros(count)
    going, found = np.ones(count, dtype=bool), []
    for _ in range(MOST):
        target, longest = rng.exponential(size=count), np.maximum(last_year - origin, start)
        clock = np.asarray(_next_times(model, theta, individual, design, start, origin, longest, target, knots_year))
        going &= np.isfinite(clock)
        organ = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
        year = origin + clock
        found.append(
            pl.DataFrame(
                {"index": np.flatnonzero(going), "day": year[going] * DAYS_PER_YEAR, "organ": organ[going]},
                schema={"index": pl.Int64, "day": pl.Float64, "organ": pl.Int64},
            )
        )
        if not going.any():
            return pl.concat(found).sort("index", "day")
        if gap:
            origin = np.where(going, year, last_year)
        else:
            start = np.where(going, clock, last_year)
    raise ModelError(f"some patients get more than {MOST} new lesions: look at rate and spread of frailties")


@partial(jax.jit, static_argnames=("model", "knots_year"))
def _next_times(
    model: ModelParts,
    theta: Theta,
    individual: PatientParameters | None,
    design: Design,
    start: Float[Array, " patient"],
    origin: Float[Array, " patient"],
    longest: Float[Array, " patient"],
    target: Float[Array, " patient"],
    knots_year: tuple[float, ...],
) -> Float[Array, " patient"]:
    """Return when the expected number of new lesions since ``start`` reaches ``target``; inf beyond ``longest``."""

    def expected(stop: Float[Array, " patient"]) -> Float[Array, " patient"]:
        rows = Stretches.unseen(jnp.arange(len(start)), start, stop, origin, jnp.asarray(knots_year))
        return expected_new_lesions(model, theta, individual, design._replace(stretches=rows))

    return time_reached(expected, start, longest, target)


def seen_new_lesions(
    model: ModelParts,
    drawn: pl.DataFrame,
    visits: pl.DataFrame | None,
    identifiers: np.ndarray,
    organs: tuple[str, ...],
) -> pl.DataFrame:
    """Return rows of the table ``events``: exact days, or the visits between which each lesion appeared.

    A lesion after the last visit is never seen. ``visits`` has columns patient and day; exact days need none.
    """
    part = model.new_lesions
    assert part is not None
    rows = drawn.select(
        pl.Series("patient", identifiers[drawn["index"].to_numpy()].tolist(), dtype=pl.String),
        pl.lit(NEW_LESION).alias("kind"),
        "day",
        pl.Series("organ", [organs[index] for index in drawn["organ"]], dtype=pl.String),
    ).with_row_index("lesion")
    if part.timing == "between-visits":
        assert visits is not None
        days = visits.rename({"day": "visit"})
        around = rows.join(days, on="patient", how="inner")
        after, before = pl.col("visit") >= pl.col("day"), pl.col("visit") < pl.col("day")
        found = around.group_by("lesion").agg(
            pl.col("visit").filter(before).max().fill_null(0.0).clip(0.0).alias("day_lower"),
            pl.col("visit").filter(after).min().alias("day_upper"),
        )
        rows = rows.join(found.drop_nulls("day_upper"), on="lesion", how="inner", maintain_order="left")
    else:
        rows = rows.with_columns(pl.col("day").alias("day_lower"), pl.col("day").alias("day_upper"))
    return rows.select("patient", "kind", "day_lower", "day_upper", "organ")
