"""The trajectory of a tumour: whatever follows from a law and parameter values, derived once for every law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.base.quadrature import two_ended_rule
from metachron.dynamics.law import Law, Psi, provides
from metachron.dynamics.progression import first_crossing_year, progression_threshold_mm


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Trajectory:
    """Size over time of one tumour, or of many: the arrays of ``psi`` broadcast against every time given.

    A pytree: it passes through `jax.jit`, `jax.vmap` and `jax.grad`; the law is static, the parameter values are data.

    Parameters
    ----------
    law : the tumour law.
    psi : parameter values on their transform scale; `Law.psi` makes them from natural values.
    """

    law: Law = field(metadata={"static": True})
    psi: Psi

    def location(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the location on the law's working scale."""
        return self.law.location(time_year, self.psi)

    def size_mm(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the size in mm; below 0 mm possible only for a law on the mm scale."""
        return self.law.scale.to_mm(self.location(time_year))

    def location_rate_per_year(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the derivative of `location` per year; at day 0 the one under treatment."""
        return _derivative(self.location, time_year)

    def rate_mm_per_year(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the derivative of `size_mm` in mm/year; at day 0 the one under treatment."""
        return _derivative(self.size_mm, time_year)

    def relative_change(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return [size(t) - size(0)] / size(0); -0.3 is a shrinkage by 30 %. It needs a size above 0 mm at day 0."""
        day_0 = jnp.zeros(())
        if self.law.scale.name == "log":
            return jnp.expm1(self.location(time_year) - self.location(day_0))
        return self.size_mm(time_year) / self.size_mm(day_0) - 1.0

    def time_to_growth_year(self) -> Float[Array, "..."]:
        """Return the time at which the size begins to grow: 0 when it grows at once, inf when it never does."""
        return self.law.time_to_growth_year(self.psi)

    def nadir_mm(self, horizon_year: float | Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the smallest size in mm from day 0 to a finite ``horizon_year``; `ModelError` when it is negative."""
        return self.size_mm(self._nadir_year(_checked(horizon_year)))

    def area_mm_year(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the integral of the size from day 0 to t in mm x year (negative before day 0).

        In closed form where the law has one; else by 32 nodes that crowd at both ends: relative error below 1e-6 as
        long as the relative rate (1/year) times t is below 5,000 at day 0 and at t (for 15 years: a half-life of a day
        or more); below 2e-3 where a Box-Cox line reaches 0 mm on the way. Meant for t from day 0 on; a Gompertz tumour
        before day 0 is integrated less exactly.
        """
        time_year = jnp.asarray(time_year)
        closed = self.law.closed_area_mm_year(time_year, self.psi)
        return self._area_by_quadrature(time_year) if closed is None else closed

    def _area_by_quadrature(self, time_year: Float[Array, "..."]) -> Float[Array, "..."]:
        nodes, weights = two_ended_rule()
        inner = Trajectory(self.law, {name: jnp.asarray(value)[..., None] for name, value in self.psi.items()})
        return time_year * (inner.size_mm(time_year[..., None] * nodes) @ weights)

    def progression_year(self, horizon_year: float | Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the first time at which the size is at least 1.2 x nadir and nadir + 5 mm; inf beyond the horizon.

        The nadir is the smallest size from day 0 on: progression of the sum of target lesions in RECIST 1.1,
        Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026, with time continuous and without measurement error.
        ``horizon_year`` must be finite and not negative, else `ModelError`.
        """
        horizon_year = _checked(horizon_year)
        nadir_year = self._nadir_year(horizon_year)
        threshold_mm = progression_threshold_mm(self.size_mm(nadir_year))
        return first_crossing_year(self.size_mm, threshold_mm, start_year=nadir_year, horizon_year=horizon_year)

    def log_growth(self) -> Float[Array, "..."]:
        """Return log of the growth rate per year; `ModelError` when the law does not provide ``growth``."""
        return self._constant("growth", "growth_per_year")

    def log_shrinkage(self) -> Float[Array, "..."]:
        """Return log of the shrinkage rate per year; `ModelError` when the law does not provide ``shrinkage``."""
        return self._constant("shrinkage", "shrinkage_per_year")

    def resistant_fraction(self) -> Float[Array, "..."]:
        """Return the share that the treatment does not reach; `ModelError` when the law does not provide it."""
        return jax.nn.sigmoid(self._constant("resistant_fraction", "resistant_fraction"))

    def _nadir_year(self, horizon_year: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.minimum(self.time_to_growth_year(), horizon_year)

    def _constant(self, capability: str, name: str) -> Float[Array, "..."]:
        if capability not in provides(self.law):
            known = ", ".join(sorted(provides(self.law)))
            raise ModelError(f"the law {self.law.name} does not provide {capability}; it provides {known}")
        return self.psi[name]


def _derivative(
    function: Callable[[Float[Array, "..."]], Float[Array, "..."]], time_year: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return the derivative of an elementwise function of time, by forward-mode differentiation."""
    time_year = jnp.asarray(time_year)
    time_year = time_year.astype(jnp.result_type(time_year, float))
    return jax.jvp(function, (time_year,), (jnp.ones_like(time_year),))[1]


def _checked(horizon_year: float | Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the horizon as an array; a value that is traced by `jax.jit` is not known yet and not checked."""
    if not isinstance(horizon_year, jax.core.Tracer):
        known = np.asarray(horizon_year)
        if not (np.isfinite(known) & (known >= 0)).all():
            raise ModelError(f"a horizon must be finite and not negative, in years; found {horizon_year}")
    return jnp.asarray(horizon_year, dtype=float)
