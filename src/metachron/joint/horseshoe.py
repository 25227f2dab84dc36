"""The regularised horseshoe: most coefficients of a block near 0, a few of any size up to that of a slab.

Piironen and Vehtari 2017, doi:10.1214/17-EJS1337SI, section 2.3, with coefficients standardised:

    beta_j = z_j tau lambda~_j,   lambda~_j^2 = c^2 lambda_j^2 / (c^2 + tau^2 lambda_j^2),   z_j ~ Normal(0, 1)
    tau ~ half-Cauchy(0, tau_0),   lambda_j ~ half-Cauchy(0, 1),   c^2 ~ inverse-gamma(nu / 2, nu s^2 / 2)

As data it is ``Prior("horseshoe", (tau_0, nu, s))``, a prior of the coefficients of covariates alone. Their scales are
sites of their own: ``<block>.beta_global`` (tau), ``.beta_slab`` (c^2) and ``.beta_local`` (lambda, one per column).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ModelError, Prior
from metachron.joint.priors import check_prior

if TYPE_CHECKING:
    from metachron.joint.parts import ModelParts

FAMILY = "horseshoe"
GLOBAL, SLAB, LOCAL = "_global", "_slab", "_local"
_STANDARD_LOCAL = Prior("half_cauchy", (1.0,), "Piironen and Vehtari 2017, section 2.1")


class ScalePriors(NamedTuple):
    """Priors of the scales."""

    tau: Prior
    slab: Prior
    local: Prior


def horseshoe_prior(
    *, expected: float, columns: int, patients: int, spread: float = 1.0, slab_df: float = 4.0, slab_scale: float = 1.0
) -> Prior:
    """Return the prior for a block of which about so many columns are expected to have an effect.

    ``tau_0 = expected / (columns - expected) spread / sqrt(patients)``: equation 3.12 there. Columns must be on one
    scale, such as steps of one standard deviation.

    Parameters
    ----------
    patients : number of them; for a hazard the number of events.
    spread : standard deviation of what a coefficient moves, about its mean: of the patient effects of a parameter; 1
        for a log hazard, whose information is one per event.
    slab_df, slab_scale : of the Student t that large effects have; scale 1 takes an effect by a factor of e for one
        step as large. Section 2.3 there takes 4 degrees of freedom among others: tails heavier than normal.

    Raises
    ------
    ModelError
        When ``expected`` is not between 0 and ``columns``, or a number is not positive.
    """
    if not 0 < expected < columns:
        raise ModelError(f"expected effects must lie between 0 and the {columns} columns; found {expected:g}")
    if patients < 1 or not spread > 0:
        raise ModelError(f"patients and spread must be positive; found {patients} and {spread:g}")
    tau = expected / (columns - expected) * spread / math.sqrt(patients)
    prior = Prior(FAMILY, (tau, slab_df, slab_scale), f"about {expected:g} of {columns} columns have an effect")
    check_beta_prior(prior, "horseshoe")
    return prior


def is_horseshoe(prior: Prior) -> bool:
    """Return whether the prior is the regularised horseshoe."""
    return prior.family == FAMILY


def check_beta_prior(prior: Prior, what: str) -> None:
    """Raise `ModelError` unless the prior may be one of coefficients of covariates."""
    if not is_horseshoe(prior):
        check_prior(prior, what)
    elif len(prior.args) != 3 or not all(0 < value < math.inf for value in prior.args):
        raise ModelError(
            f"{what}: prior horseshoe takes three positive numbers: global scale, degrees of freedom and scale of the "
            f"slab; found {list(prior.args)}"
        )


def scale_priors(prior: Prior) -> ScalePriors:
    """Return the priors of the scales of a horseshoe."""
    tau, df, scale = prior.args
    return ScalePriors(
        Prior("half_cauchy", (tau,), "Piironen and Vehtari 2017, section 3.3"),
        Prior("inverse_gamma", (df / 2.0, df * scale**2 / 2.0), "Piironen and Vehtari 2017, section 2.3"),
        _STANDARD_LOCAL,
    )


def shrunk_scale(
    tau: Float[Array, "..."], slab: Float[Array, "..."], local: Float[Array, "... column"]
) -> Float[Array, "... column"]:
    """Return tau lambda~_j, the standard deviation of each coefficient; ``slab`` is c^2.

    It is ``tau lambda`` where that is small beside c, and c where it is large.
    """
    free = tau[..., None] * local
    return free / jnp.sqrt(1.0 + jnp.square(free) / slab[..., None])


def expected_error(prior: Prior) -> float:
    """Return the error with which data are thought to know a coefficient: 5 tau_0, what they know where the prior was
    made for one column of six (equation 3.12). It changes coordinates alone, no density: a factor of 3 does little.
    """
    return 5.0 * prior.args[0]


def shrunk_coordinate(scale: Float[Array, "..."], error: float) -> Float[Array, "..."]:
    """Return z_j over its coordinate w_j, ``1 / sqrt(1 + (s / d)^2)``: s the scale of the coefficient, d its error.

    Known with an error d, a coefficient has given s the standard deviation ``s d / sqrt(s^2 + d^2)``, and w_j is the
    coefficient in units of that: standardised where the prior says what it is (s below d), standing for itself where
    the data do. Standardised ones alone leave a ridge along which z_j falls as lambda_j rises: two of twelve markers
    with an effect ten times its error gave 17 divergences in 1,200 steps and effective sample sizes near 50, and give
    none and above 300 in these coordinates (`tests/statistical/test_markers_in_models.py`).
    """
    return 1.0 / jnp.sqrt(1.0 + jnp.square(scale / error))


def is_shrinkage_scale(site: str) -> bool:
    """Return whether a site, by its name, is a scale of a horseshoe and nothing that one asks about."""
    return site.endswith(tuple(f".beta{part}" for part in (GLOBAL, SLAB, LOCAL)))


def horseshoe_blocks(model: ModelParts) -> tuple[str, ...]:
    """Return the names of the coefficients that have the horseshoe as a prior, in the order of the sites."""
    found = [
        (f"{p.label}.beta", p.covariates, p.beta_prior) for p in (model.dynamics.parameters if model.dynamics else ())
    ]
    found += [(f"{part.event}.beta", part.covariates, part.beta_prior) for part in model.processes]
    return tuple(name for name, covariates, prior in found if covariates and is_horseshoe(prior))
