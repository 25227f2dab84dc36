"""New lesions of a cohort as flat arrays: a row per stretch of time at risk, and per time at which some appeared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float, Int

from metachron.base import DAYS_PER_YEAR, ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.cohort.arrays import bucket
from metachron.cohort.new_lesions import NEW_LESION, new_lesion_stretches, new_lesions_found
from metachron.hazards import default_knots
from metachron.joint.process_parts import NewLesionPart

PAD_YEAR = 0.5


class Stretches(NamedTuple):
    """What is known of new lesions: see `metachron.cohort.new_lesions.new_lesion_stretches`, times in years.

    ``survived`` is 1 where the row is time at risk; ``exact`` and ``interval`` count the new lesions that appeared at
    its end, or within it; ``marks`` counts them by organ. Padding counts nothing. ``knots_year`` are those of the
    baseline.
    """

    patient: Int[Array, " stretch"]
    start_year: Float[Array, " stretch"]
    stop_year: Float[Array, " stretch"]
    origin_year: Float[Array, " stretch"]
    survived: Float[Array, " stretch"]
    exact: Float[Array, " stretch"]
    interval: Float[Array, " stretch"]
    marks: Float[Array, "stretch organ"]
    knots_year: Float[Array, " knot"]

    @classmethod
    def unseen(
        cls, patient: Array, start_year: Array, stop_year: Array, origin_year: Array, knots_year: Array
    ) -> Stretches:
        """Return stretches of which it is only asked how many lesions are to be expected; times broadcast."""
        none = jnp.zeros_like(stop_year)
        start, origin = (jnp.broadcast_to(time, none.shape) for time in (start_year, origin_year))
        return cls(patient, start, stop_year, origin, none, none, none, none[:, None], knots_year)


class BoundStretches(NamedTuple):
    """The rows, the names of the organs in which lesions appear, and the knots of the baseline."""

    stretches: Stretches
    organs: tuple[str, ...]
    knots_year: tuple[float, ...]


def bind_stretches(
    part: NewLesionPart,
    cohort: Cohort,
    patients: Sequence[str],
    known: tuple[tuple[str, ...], tuple[float, ...]] | None,
) -> BoundStretches:
    """Return the process of new lesions of a cohort.

    Parameters
    ----------
    patients : in the order of the index.
    known : organs and knots of an earlier fit, where they are to be kept.

    Raises
    ------
    ModelError
        When the cohort says too little of new lesions (see `new_lesion_stretches`), has none to learn from, or, with
        ``known``, has them in an organ that the fit does not know.
    """
    rows = new_lesion_stretches(cohort.tables, part.clock, part.timing)
    found = sorted({organ for organs in rows["organs"].to_list() for organ in organs})
    if known is None and not found:
        raise ModelError(f"cohort {cohort.name!r} records no new lesion: their rate cannot be estimated")
    organs = tuple(found) if known is None else known[0]
    if unknown := sorted(set(found) - set(organs)):
        raise ModelError(
            f"cohort {cohort.name!r} has new lesions in {list_briefly(unknown)}; the fit knows {list_briefly(organs)}"
        )
    knots = _knots(part, rows) if known is None else known[1]
    return BoundStretches(_arrays(rows, patients, organs, knots), organs, knots)


def seen_new_lesion_years(cohort: Cohort, patients: Sequence[str], rows: int) -> Float[np.ndarray, "patient lesion"]:
    """Return when new lesions of each patient were found, in years and sorted; inf where there are none.

    Raises
    ------
    ModelError
        When patients have no follow-up for new lesions: that none is recorded would not mean that there was none.
    """
    followed = set(cohort.followup.filter(pl.col("kind") == NEW_LESION)["patient"])
    if lost := [patient for patient in patients if patient not in followed]:
        raise ModelError(
            f"the link new-lesion-count needs follow-up for 'new_lesion' in table followup, and cohort {cohort.name!r} "
            f"has none for {len(lost)} patients ({list_briefly(lost)}); add the rows, or take another link"
        )
    return new_lesion_years(cohort.events, patients, rows)


def new_lesion_years(events: pl.DataFrame, patients: Sequence[str], rows: int) -> Float[np.ndarray, "patient lesion"]:
    """Return the same from a table ``events``."""
    days = dict(new_lesions_found(events).group_by("patient", maintain_order=True).agg("day").iter_rows())
    most = max([2, *(-(-len(own) // 2) * 2 for own in days.values())])
    years = np.full((rows, most), np.inf)
    for row, patient in enumerate(patients):
        own = days.get(patient, [])
        years[row, : len(own)] = np.asarray(own) / DAYS_PER_YEAR
    return years


def _knots(part: NewLesionPart, rows: pl.DataFrame) -> tuple[float, ...]:
    hazard = part.hazard.hazard
    if hazard.knot_count == 0:
        return ()
    seen = rows.filter((pl.col("exact") > 0) | (pl.col("interval") > 0))
    return tuple(float(knot) for knot in default_knots(seen["stop_day"].to_numpy() / DAYS_PER_YEAR, hazard))


def _arrays(
    rows: pl.DataFrame, patients: Sequence[str], organs: tuple[str, ...], knots: tuple[float, ...]
) -> Stretches:
    index = {patient: place for place, patient in enumerate(patients)}
    length = bucket(rows.height)

    def padded(values: np.ndarray, pad: float = 0.0) -> Array:
        out = np.full((length, *values.shape[1:]), pad, dtype=values.dtype)
        out[: len(values)] = values
        return jnp.asarray(out)

    marks = np.zeros((rows.height, len(organs)))
    for row, names in enumerate(rows["organs"].to_list()):
        for name in names:
            marks[row, organs.index(name)] += 1.0

    def column(name: str, pad: float = 0.0) -> Array:
        scale = DAYS_PER_YEAR if name.endswith("_day") else 1.0
        return padded(rows[name].to_numpy().astype(float) / scale, pad)

    return Stretches(
        patient=padded(np.asarray([index[patient] for patient in rows["patient"]], dtype=np.int32)),
        start_year=column("start_day"),
        stop_year=column("stop_day", PAD_YEAR),
        origin_year=column("origin_day"),
        survived=column("survived"),
        exact=column("exact"),
        interval=column("interval"),
        marks=padded(marks),
        knots_year=jnp.asarray(knots, dtype=float),
    )
