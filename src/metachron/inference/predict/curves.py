"""Curves of single patients: size over time for each series, and survival, with the recorded sizes beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float, Int

from metachron.inference.fit import Fit
from metachron.inference.predict.bands import band_frame
from metachron.inference.predict.draws import Draws, fitted_parameters, take_draws
from metachron.inference.predict.durable import with_classes
from metachron.inference.predict.hazard_grid import Grid, cumulative_on_grid, grid_to, pick_patients
from metachron.inference.predict.recorded import recorded_sizes
from metachron.inference.predict.subjects import fitted_design, gather, patient_positions
from metachron.joint import Design, JointModel
from metachron.joint.hazard_terms import patient_state
from metachron.joint.population import row_parameters

AT_ONCE = 64
"""Series or patients computed together: what bounds the memory that all their draws take."""


@dataclass(frozen=True)
class IndividualCurves:
    """What is predicted and what was recorded of chosen patients.

    Parameters
    ----------
    sizes : patient, lesion (null: the sum), time_year, size_mm_q05, size_mm_q50, size_mm_q95: the trajectory itself,
        without measurement error; empty without tumour dynamics.
    recorded : patient, lesion, day, time_year, size_mm (the limit where censored), censored.
    survival : patient, time_year, survival_q05, survival_q50, survival_q95: probability of no event from day 0 to the
        time, under the patient's own parameters; empty without a hazard.
    """

    sizes: pl.DataFrame
    recorded: pl.DataFrame
    survival: pl.DataFrame


def individual_curves(
    fit: Fit, patients: Sequence[str] | None, time_year: Sequence[float] | np.ndarray, *, draws: int = 200
) -> IndividualCurves:
    """Return size and survival over time of single patients, each with its median and 90 % interval.

    Parameters
    ----------
    patients : identifiers; None: all.
    time_year : times in years from day 0; survival is given from day 0 on only.
    draws : number of draws, spread evenly over the posterior.

    Raises
    ------
    ModelError
        When a patient is not in the fit, or the fit holds no patients.
    """
    chosen = patient_positions(fit, patients)
    times = np.asarray(time_year, dtype=float)
    design, taken = fitted_design(fit), with_classes(fit, take_draws(fit, draws))
    sizes, recorded, survival = pl.DataFrame(), pl.DataFrame(), pl.DataFrame()
    if fit.model.dynamics is not None:
        sizes = _sizes(fit, taken, design, chosen, times)
        names = [fit.labels.patients[index] for index in chosen]
        recorded = recorded_sizes(fit).filter(pl.col("patient").is_in(names))
    if fit.model.hazard is not None:
        survival = _survival(fit, taken, design, chosen, times[times >= 0])
    return IndividualCurves(sizes, recorded, survival)


def in_pieces(count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield positions 0 to count - 1 in pieces of one length, and how many of each piece are real.

    The last piece is filled up with its last position, so that one compiled function serves all pieces.
    """
    length = min(count, AT_ONCE)
    for start in range(0, count, AT_ONCE):
        real = min(length, count - start)
        yield np.minimum(np.arange(start, start + length), start + real - 1), real


def size_draws(
    model: JointModel, draws: Draws, design: Design, owner: np.ndarray, series: np.ndarray, times: np.ndarray
) -> Float[np.ndarray, "draw row time"]:
    """Return size in mm of the trajectories of rows (patient and series index) at times (row, time)."""
    rows = [jnp.asarray(values) for values in (owner, series, times)]
    return np.asarray(_trajectories(draws, design, *rows, model=model))


def recorded_draws(fit: Fit, draws: Draws, rows: pl.DataFrame) -> Iterator[Float[np.ndarray, "draw row"]]:
    """Yield the trajectories of fitted patients in mm at the rows of `recorded_sizes`, piece by piece."""
    design, draws = fitted_design(fit), with_classes(fit, draws)
    places = {patient: index for index, patient in enumerate(fit.labels.patients)}
    series = {name: index for index, name in enumerate(fit.labels.series)}
    owner = np.asarray([places[patient] for patient in rows["patient"]])
    index = np.asarray([series[name] for name in rows.select("patient", "lesion").iter_rows()])
    time = rows["time_year"].to_numpy()[:, None]
    for piece, real in in_pieces(rows.height):
        yield size_draws(fit.model, draws, design, owner[piece], index[piece], time[piece])[:, :real, 0]


def _sizes(fit: Fit, draws: Draws, design: Design, chosen: np.ndarray, times: np.ndarray) -> pl.DataFrame:
    owner, series, names = _series_of(fit, chosen)
    grid = np.broadcast_to(times, (min(len(owner), AT_ONCE), len(times)))
    frames = []
    for rows, real in in_pieces(len(owner)):
        values = size_draws(fit.model, draws, design, owner[rows], series[rows], grid)[:, :real]
        frames.append(band_frame(values, {"row": rows[:real], "time_year": times}, prefix="size_mm_"))
    who = pl.DataFrame(names, schema={"patient": pl.String, "lesion": pl.String}, orient="row")
    who = who.with_columns(pl.int_range(pl.len()).alias("row"))
    return who.join(pl.concat(frames), on="row", maintain_order="left").drop("row")


def _series_of(fit: Fit, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str | None]]]:
    """Return patient index, series index and name of each series of chosen patients."""
    names = fit.labels.patients
    assert fit.model.dynamics is not None
    if fit.model.dynamics.size != "lesion":
        return chosen, np.zeros_like(chosen), [(names[index], None) for index in chosen]
    wanted = {names[index]: index for index in chosen}
    kept = [(index, series) for index, series in enumerate(fit.labels.series) if series[0] in wanted]
    owner = np.asarray([wanted[patient] for _, (patient, _) in kept], dtype=int)
    return owner, np.asarray([index for index, _ in kept], dtype=int), [series for _, series in kept]


@partial(jax.jit, static_argnames=("model",))
def _trajectories(
    draws: Draws,
    design: Design,
    owner: Int[Array, " row"],
    series: Int[Array, " row"],
    times: Float[Array, "row time"],
    *,
    model: JointModel,
) -> Float[Array, "draw row time"]:
    part = model.dynamics
    assert part is not None

    def one(draw: Draws) -> Float[Array, "row time"]:
        parameters = fitted_parameters(model, draw, design)
        assert parameters is not None
        psi = row_parameters(part, parameters, owner, series)
        location = part.law.location(times, {name: value[:, None] for name, value in psi.items()})
        return part.law.scale.to_mm(location)

    return jax.lax.map(one, draws)


def _survival(fit: Fit, draws: Draws, design: Design, chosen: np.ndarray, times: np.ndarray) -> pl.DataFrame:
    frames = []
    for rows, real in in_pieces(len(chosen)):
        index = chosen[rows]
        few, places, grid = gather(design, index), jnp.asarray(index), grid_to(times, design)
        values = np.asarray(_survival_draws(draws, design, few, places, grid, model=fit.model))[:, :real]
        names = [fit.labels.patients[position] for position in index[:real]]
        frames.append(band_frame(values, {"patient": names, "time_year": times}, prefix="survival_"))
    return pl.concat(frames)


@partial(jax.jit, static_argnames=("model",))
def _survival_draws(
    draws: Draws,
    design: Design,
    few: Design,
    chosen: Int[Array, " patient"],
    grid: Grid,
    *,
    model: JointModel,
) -> Float[Array, "draw patient time"]:
    def one(draw: Draws) -> Float[Array, "patient time"]:
        parameters = fitted_parameters(model, draw, design)
        state = patient_state(model, pick_patients(parameters, chosen))
        return jnp.exp(-cumulative_on_grid(model, draw.theta, state, few, grid))

    return jax.lax.map(one, draws)
