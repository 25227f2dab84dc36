"""M-spline baseline hazard: a smooth curve shrunk towards a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.base import ModelError, ParameterSpec, Prior, Transform
from metachron.hazards.b_spline import b_spline_basis, clamped_knots
from metachron.hazards.hazard import Psi
from metachron.hazards.knots import KnottedHazard
from metachron.hazards.priors import RATE_PRIOR

_SMOOTHING_PRIOR = Prior(
    "half_normal",
    (1.0,),
    "0 is a constant hazard; the log hazard at the last event differs from that at day 0 by a normal variable of this "
    "sd, so that 95 % of the prior lets the hazard change by less than a factor of 9 or so",
)
_INCREMENT_PRIOR = Prior("normal", (0.0, 1.0), "standardised steps: their size is the smoothing sd")


@dataclass(frozen=True)
class MSpline(KnottedHazard):
    """h0(t) = rate x boundary x sum_j w[j] M[j](t), per year; M-splines integrate to 1 between 0 and the boundary.

    The weights are w = softmax(log w0 + walk). With ``walk = 0`` they are w0, which makes h0 the constant ``rate``.
    The walk starts at 0 and takes ``basis - 1`` steps, smoothing x sqrt(share[j]) x increment[j]; ``share`` is the
    part of the time axis that step j bridges and adds up to 1, so that the prior does not depend on the number and
    place of the knots. H0 is in closed form, by I-splines. After the boundary h0 stays what it was there.

    Parameters
    ----------
    basis : number of M-splines.
    degree : of the polynomials between knots. Knots are ``basis - degree``: interior ones and the boundary, by
        default equally spaced quantiles of the event times and the last event.
    """

    basis: int = 7
    degree: int = 3

    name: ClassVar[str] = "m-spline"
    source: ClassVar[str] = (
        "M- and I-splines: Ramsay 1988, doi:10.1214/ss/1177012761; weights about a constant hazard: Jackson 2023, "
        "doi:10.1186/s12874-023-02094-1; random walk: Phillippo 2024, doi:10.48550/arXiv.2401.12640"
    )
    equation: ClassVar[str] = "h0(t) = rate boundary sum_j w[j] M[j](t), w = softmax(log w0 + random walk)"

    def __post_init__(self) -> None:
        if self.degree < 1 or self.basis < self.degree + 2:
            raise ModelError(
                f"an M-spline baseline hazard needs a degree of at least 1 and two basis functions more than its "
                f"degree; found degree {self.degree} and {self.basis} basis functions: raise basis or lower degree"
            )

    @property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        return (
            ParameterSpec("rate_per_year", Transform.LOG, "per year", "overall level of the hazard", RATE_PRIOR),
            ParameterSpec(
                "smoothing", Transform.IDENTITY, "log hazard", "sd of the change of the log hazard", _SMOOTHING_PRIOR
            ),
            ParameterSpec(
                "increment", Transform.IDENTITY, "none", "steps of the walk", _INCREMENT_PRIOR, size=self.basis - 1
            ),
        )

    @property
    def knot_levels(self) -> tuple[float, ...]:
        knots = self.basis - self.degree
        return tuple(k / knots for k in range(1, knots + 1))

    def log_hazard(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        log_level, _ = self._coefficients(psi, knots_year)
        within = jnp.minimum(time_year, knots_year[-1])
        shape = _combine(jnp.exp(log_level), b_spline_basis(within, knots_year, self.degree))
        return psi["rate_per_year"] + jnp.log(shape)

    def cumulative(
        self, time_year: Float[Array, "..."], psi: Psi, knots_year: Float[Array, " knot"]
    ) -> Float[Array, "..."]:
        log_level, weights = self._coefficients(psi, knots_year)
        boundary = knots_year[-1]
        inside = time_year <= boundary
        within = jnp.where(inside, time_year, boundary)
        reached = jnp.concatenate([jnp.zeros_like(weights[..., :1]), jnp.cumsum(weights, axis=-1)], axis=-1)
        integral = boundary * _combine(reached, b_spline_basis(within, knots_year, self.degree + 1))
        beyond = jnp.where(inside, 0.0, time_year - boundary) * jnp.exp(log_level[..., -1])
        return jnp.exp(psi["rate_per_year"]) * (integral + beyond)

    def _coefficients(
        self, psi: Psi, knots_year: Float[Array, " knot"]
    ) -> tuple[Float[Array, "... basis"], Float[Array, "... basis"]]:
        """Return log(w / w0), which are the B-spline coefficients of h0 / rate on the log scale, and w."""
        clamped = clamped_knots(knots_year, self.degree)
        order = self.degree + 1
        log_constant = jnp.log((clamped[order:] - clamped[:-order]) / (order * knots_year[-1]))
        share = (clamped[order:-1] - clamped[1:-order]) / (self.degree * knots_year[-1])
        steps = jnp.asarray(psi["smoothing"])[..., None] * jnp.sqrt(share) * psi["increment"]
        walk = jnp.concatenate([jnp.zeros_like(steps[..., :1]), jnp.cumsum(steps, axis=-1)], axis=-1)
        log_weights = jax.nn.log_softmax(log_constant + walk, axis=-1)
        return log_weights - log_constant, jnp.exp(log_weights)


def _combine(coefficients: Float[Array, "... basis"], basis: list[Float[Array, "..."]]) -> Float[Array, "..."]:
    return sum((coefficients[..., j] * function for j, function in enumerate(basis)), jnp.zeros(()))
