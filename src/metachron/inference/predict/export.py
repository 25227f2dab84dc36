"""The numbers of a fit as tables, for other software."""

from __future__ import annotations

import numpy as np
import polars as pl

from metachron.inference.fit import Fit
from metachron.inference.posterior import population_draws
from metachron.inference.predict.bands import band
from metachron.inference.predict.clinical import clinical_parameters
from metachron.inference.predict.curves import recorded_draws
from metachron.inference.predict.draws import take_draws
from metachron.inference.predict.estimates import individual_estimates
from metachron.inference.predict.recorded import recorded_sizes
from metachron.inference.predict.subjects import need_cohort, need_dynamics
from metachron.joint.names import flat_names


def export_tables(fit: Fit) -> dict[str, pl.DataFrame]:
    """Return the tables of a fit by name.

    - ``individual_estimates``: see `individual_estimates`.
    - ``predictions``: see `predicted_sizes`; only with tumour dynamics.
    - ``clinical_parameters``: see `clinical_parameters`.
    - ``draws``: one row per draw: chain, draw, and every population parameter by its name.
    - ``diagnostics``: one row per population parameter: mean, sd, 90 % interval, R-hat, ESS and Monte Carlo error.

    Raises
    ------
    ModelError
        When the fit holds no patients.
    """
    need_cohort(fit)
    tables = {"individual_estimates": individual_estimates(fit)}
    if fit.model.dynamics is not None:
        tables["predictions"] = predicted_sizes(fit)
    return {
        **tables,
        "clinical_parameters": clinical_parameters(fit),
        "draws": population_table(fit),
        "diagnostics": fit.summary(),
    }


def predicted_sizes(fit: Fit, *, draws: int = 400) -> pl.DataFrame:
    """Return the recorded sizes beside the patient's own trajectory at the same time.

    Columns: patient, lesion, day, time_year, size_mm, censored (below ``size_mm``); predicted_mm_mean, and its
    ``_q05``, ``_q50`` and ``_q95`` (of the trajectory, without measurement error); residual_mm (recorded - mean; null
    where censored).

    Raises
    ------
    ModelError
        When the fit has no tumour dynamics, or holds no patients.
    """
    need_dynamics(fit)
    rows = recorded_sizes(fit)
    columns: dict[str, list[np.ndarray]] = {}
    for values in recorded_draws(fit, take_draws(fit, draws), rows):
        for name, value in {"mean": values.mean(axis=0), **band(values)}.items():
            columns.setdefault(f"predicted_mm_{name}", []).append(value)
    table = rows.with_columns(**{name: pl.Series(np.concatenate(parts)) for name, parts in columns.items()})
    residual = pl.when(~pl.col("censored")).then(pl.col("size_mm") - pl.col("predicted_mm_mean"))
    return table.with_columns(residual.alias("residual_mm"))


def population_table(fit: Fit) -> pl.DataFrame:
    """Return all draws of the population parameters: chain, draw, and one column per parameter by its name."""
    names = flat_names(fit.model, fit.dims, fit.labels)
    values = population_draws(fit.posterior, names)
    chains, draws, _ = values.shape
    chain, draw = (grid.ravel() for grid in np.meshgrid(np.arange(chains), np.arange(draws), indexing="ij"))
    flat = values.reshape(-1, len(names))
    return pl.DataFrame({"chain": chain, "draw": draw, **{n.name: flat[:, k] for k, n in enumerate(names)}})
