"""Reference numbers, and the cohorts and quantities that the published analyses had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from metachron.cohort import Cohort
from metachron.inference import Fit
from metachron.joint import JointModel

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "examples" / "models"
CORRELATION = "effects.correlation[baseline,slope_per_year]"


def reference(name: str) -> dict[str, float]:
    """Return the reference values of a file by parameter."""
    frame = pl.read_csv(HERE / "reference" / f"{name}.csv")
    return dict(frame.select(frame.columns[:2]).iter_rows())


def read_model(name: str) -> JointModel:
    """Return a model of the examples."""
    return JointModel.read(MODELS / f"{name}.toml")


def uncensored(cohort: Cohort) -> Cohort:
    """Return FFCD with sums of zero taken at their recorded value, Box-Cox -10/3, as the published mixed model did.

    A measured size is above 0 mm, so it stands for the zero as 1e-300 mm, which Box-Cox turns into -10/3 exactly.
    """
    zero_mm = 1e-300
    absent = pl.col("state") == "absent"
    sizes = cohort.measurements.with_columns(
        size_mm=pl.when(absent).then(zero_mm).otherwise(pl.col("size_mm")),
        state=pl.when(absent).then(pl.lit("measured")).otherwise(pl.col("state")),
    )
    return Cohort.create("ffcd-uncensored", {**cohort.tables, "measurements": sizes}, accept=cohort.accepted)


def quantities(fit: Fit) -> dict[str, np.ndarray]:
    """Return draws of every population parameter, and of those that publications print in another form."""
    from metachron.inference.posterior import population_draws
    from metachron.joint.names import flat_names

    names = flat_names(fit.model, fit.dims, fit.labels)
    draws = population_draws(fit.posterior, names).reshape(-1, len(names))
    found = {name.name: draws[:, index] for index, name in enumerate(names)}
    for site, name in (("death.log_scale_year", "scale_year"), ("death.log_shape", "shape")):
        if site in found:
            found[name] = np.exp(found[site])
    if CORRELATION in found:
        found["variance_baseline"] = found["baseline.sd"] ** 2
        found["variance_slope"] = found["slope_per_year.sd"] ** 2
        found["covariance"] = found[CORRELATION] * found["baseline.sd"] * found["slope_per_year.sd"]
        found["correlation"] = found[CORRELATION]
    return found
