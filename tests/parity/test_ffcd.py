"""FFCD 2000-05 against independent software: Weibull regression, mixed model, joint model with shared effects."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metachron.cohort import Cohort
from metachron.cohort.read import load
from metachron.inference import fit
from metachron.joint import JointModel, Values
from metachron.joint.vector import effect_shapes
from parity.published import quantities, read_model, reference, uncensored

SPREADS = ("variance", "covariance", "correlation")


@pytest.fixture(scope="module")
def cohort(data_dir: object) -> Cohort:
    return load("ffcd2000-05")


def sampled(model: JointModel, cohort: Cohort) -> dict[str, np.ndarray]:
    """Return posterior draws: enough that the Monte Carlo error is below 0.06 posterior sd (ESS above 300)."""
    result = fit(model, cohort, chains=2, warmup=700, draws=2500, seed=11)
    table = result.summary()
    assert table["ess_bulk"].min() > 300
    return quantities(result)


def check(draws: dict[str, np.ndarray], expected: dict[str, float], *, spread: float = 0.5) -> None:
    for name, value in expected.items():
        tolerance = spread if name.startswith(SPREADS) else 0.25
        distance = abs(draws[name].mean() - value) / draws[name].std()
        assert distance < tolerance, f"{name}: {draws[name].mean():.4f} against {value}, {distance:.2f} sd apart"


def test_weibull_regression(cohort: Cohort) -> None:
    check(sampled(read_model("ffcd-weibull"), cohort), reference("ffcd_weibull_ml"))


def test_linear_mixed_model(cohort: Cohort) -> None:
    check(sampled(read_model("ffcd-mixed"), uncensored(cohort)), reference("ffcd_mixed_ml"))


@pytest.mark.slow
def test_joint_model(cohort: Cohort) -> None:
    """Within 0.25 posterior sd of the maximum, spreads within 0.5; and as an independent sampler found."""
    draws = sampled(read_model("ffcd-joint"), cohort)
    check(draws, reference("ffcd_joint_ml"))
    check(draws, reference("ffcd_joint_posterior"), spread=0.25)


def marginal_log_likelihood(model: JointModel, cohort: Cohort, printed: dict[str, float]) -> float:
    """Return the log-likelihood with the two patient effects integrated out on a fine grid of standard normals.

    The trapezoid rule with step 0.08 on [-7, 7]: a patient's effects are no sharper than 0.2 standard deviations, so
    its error is far below the tolerance.
    """
    binding = model.bind(cohort)
    theta = printed_theta(model, binding, printed)
    grid = jnp.arange(-7.0, 7.0 + 1e-9, 0.08)
    count, effects = effect_shapes(model, binding.dims)[0]

    @jax.jit
    def row(first: jax.Array) -> jax.Array:
        def at(second: jax.Array) -> jax.Array:
            standard = jnp.broadcast_to(jnp.stack([first, second])[:effects], (count, effects))
            values = Values(theta, standard, jnp.zeros((0, 0)))
            return model.log_likelihood_by_patient(values, binding.design, binding.dims)

        inner = jax.vmap(at)(grid) - 0.5 * grid[:, None] ** 2
        return jax.scipy.special.logsumexp(inner, axis=0) - 0.5 * first**2

    rows = jnp.stack([row(first) for first in grid])
    step = jnp.log(grid[1] - grid[0])
    per_patient = jax.scipy.special.logsumexp(rows, axis=0) + 2 * step - jnp.log(2 * jnp.pi)
    return float(jnp.sum(per_patient[: len(binding.labels.patients)]))


def printed_theta(model: JointModel, binding: object, printed: dict[str, float]) -> dict[str, jax.Array]:
    """Return the printed numbers as the model's parameters."""
    spread = np.sqrt([printed["variance_baseline"], printed["variance_slope"]])
    rho = printed.get("correlation", printed.get("covariance", 0.0) / spread.prod())
    special = {
        "baseline.sd": spread[0],
        "slope_per_year.sd": spread[1],
        "effects.correlation": np.linalg.cholesky(np.array([[1.0, rho], [rho, 1.0]])),
        "death.log_scale_year": np.log(printed.get("scale_year", 1.0)),
        "death.log_shape": np.log(printed.get("shape", 1.0)),
    }
    theta = {}
    for site in model.sites(binding.dims):
        block = {"baseline.beta": "baseline", "slope_per_year.beta": "slope_per_year", "death.beta": "hazard"}
        if site.name in special:
            value = special[site.name]
        elif site.name in block:
            value = [printed[f"{site.name}[{name}]"] for name in binding.labels.columns[block[site.name]]]
        else:
            value = printed[site.name]
        theta[site.name] = jnp.asarray(value, dtype=float)
    return theta


def test_marginal_log_likelihood_of_the_joint_model(cohort: Cohort) -> None:
    value = marginal_log_likelihood(read_model("ffcd-joint"), cohort, reference("ffcd_joint_ml"))
    assert value == pytest.approx(-1646.0528, abs=0.05)


def test_marginal_log_likelihood_of_the_mixed_model(cohort: Cohort) -> None:
    value = marginal_log_likelihood(read_model("ffcd-mixed"), uncensored(cohort), reference("ffcd_mixed_ml"))
    assert value == pytest.approx(-1452.183, abs=0.05)
