"""Independent draws: a short run of NUTS teaches a proposal, and draws from it are weighed.

In whitened coordinates the marginal posterior is close to normal, so that a multivariate t about the mean and the
covariance of some hundred draws of NUTS is close to it. A draw from it costs one evaluation in place of a trajectory,
none depends on another, and their weights tell how good the proposal was. Where they are too uneven, NUTS goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from metachron.inference.diagnostics import summarise_draws
from metachron.inference.marginal.integrals import Integrals
from metachron.inference.pareto import effective_share, pareto_smooth
from metachron.inference.sampled import Sampled, Statistics
from metachron.inference.settings import NutsSettings

PILOT_DRAWS, LEAST_DRAWS = 600, 100
"""Draws of NUTS in all chains that teach the proposal, and the fewest of one chain."""
WORTH = 2
"""Times the draws of the pilot that must be asked for; a shorter run is NUTS throughout."""
DEGREES, WIDTH = 12.0, 1.05
"""Degrees of freedom of the proposal, and its width: weights of draws in the tails must not grow."""
TRIALS = 500
LEAST_SHARE, LARGEST_K = 0.15, 1.0
"""Share of effective draws below which, and Pareto k above which, NUTS is the better way."""
RHAT_LIMIT, DIVERGENT_LIMIT = 1.05, 0.01
CUSP_SHARE, CUSP_WIDTH = 0.2, 0.25
"""Share of the proposal about a cusp, and its width across it over that of the posterior."""


def pilot_settings(settings: NutsSettings) -> NutsSettings | None:
    """Return the settings of the pilot, or None when so few draws are asked for that NUTS may as well make them all."""
    draws = max(LEAST_DRAWS, -(-PILOT_DRAWS // settings.chains))
    return replace(settings, draws=draws) if settings.draws >= WORTH * draws else None


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mixture of multivariate t distributions of whitened vectors."""

    weight: Float[np.ndarray, " component"]
    mean: Float[np.ndarray, "component free"]
    shape: Float[np.ndarray, "component free free"]

    def draw(self, count: int, seed: int) -> tuple[Float[np.ndarray, "draw free"], Float[np.ndarray, " draw"]]:
        """Return draws and their log densities."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.weight), size=count, p=self.weight)
        white = np.empty((count, self.mean.shape[1]))
        for k, part in enumerate(self._parts()):
            white[chosen == k] = part.rvs(int(np.sum(chosen == k)), random_state=rng).reshape(-1, white.shape[1])
        return white, self.log_density(white)

    def log_density(self, white: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, " draw"]:
        """Return the log density at whitened vectors."""
        each = np.stack([np.atleast_1d(part.logpdf(white)) for part in self._parts()])
        return logsumexp(each, axis=0, b=self.weight[:, None])

    def _parts(self) -> list[Any]:
        from scipy.stats import multivariate_t  # here, since forecasts import this module and never ask

        return [multivariate_t(mean, shape, df=DEGREES) for mean, shape in zip(self.mean, self.shape, strict=True)]


def learn(pilot: Sampled, cusps: Sequence[tuple[Float[np.ndarray, " free"], float]]) -> Proposal | None:
    """Return the proposal that draws of NUTS teach, or None when they have not come together or met divergences.

    Their covariance is drawn towards the identity, which is Laplace's approximation, as if that were worth as many
    draws as there are dimensions. For every cusp (a direction and where along it) there is a second, narrow component.
    """
    white = pilot.positions
    free = white.shape[-1]
    summary = summarise_draws([str(k) for k in range(free)], white)
    divergent = float(np.mean(pilot.statistics.diverging))
    if not float(summary["rhat"].max()) <= RHAT_LIMIT or divergent > DIVERGENT_LIMIT:  # type: ignore[arg-type]
        return None
    ess = float(summary["ess_bulk"].min())  # type: ignore[arg-type]
    covariance = np.atleast_2d(np.cov(white.reshape(-1, free).T))
    covariance = WIDTH**2 * (ess * covariance + free * np.eye(free)) / (ess + free)
    means, shapes = [white.reshape(-1, free).mean(axis=0)], [covariance]
    for direction, place in cusps:
        along = covariance @ direction
        variance = direction @ along
        means.append(means[0] + along * (place - direction @ means[0]) / variance)
        shapes.append(covariance - (1.0 - CUSP_WIDTH**2) * np.outer(along, along) / variance)
    weight = np.array([1.0 - CUSP_SHARE * len(cusps), *[CUSP_SHARE] * len(cusps)])
    return Proposal(weight, np.stack(means), np.stack(shapes))


def _cusps(integrals: Integrals) -> list[tuple[Float[np.ndarray, " free"], float]]:
    """Return for each coefficient with a cusp at 0 its direction in whitened coordinates, and where along it 0 is."""
    centre, scale = integrals.coordinates.centre, integrals.coordinates.scale
    return [(scale[place], float(-centre[place])) for place in integrals.prepared.cusps]


def draw_independently(integrals: Integrals, pilot: Sampled, settings: NutsSettings) -> Sampled | None:
    """Return independent draws with the log density of the proposal as ``lp``, or None where NUTS should go on."""
    proposal = learn(pilot, _cusps(integrals))
    if proposal is None:
        return None
    white, log_density = proposal.draw(TRIALS, settings.seed + 20)
    log_target = integrals.at(white, times=1, seed=settings.seed + 1).log_likelihood + integrals.log_prior(white)
    k, weight = pareto_smooth(log_target - log_density)
    if effective_share(weight) < LEAST_SHARE or not k < LARGEST_K:
        return None
    shape = (settings.chains, settings.draws)
    white, log_density = proposal.draw(settings.chains * settings.draws, settings.seed + 21)
    lp = log_density.reshape(shape)
    none, unknown = np.zeros(shape, dtype=int), np.full(shape, np.nan)
    statistics = Statistics(lp, -lp, none.astype(bool), none, none, unknown, unknown)
    gradients = pilot.warmup_gradients + int(np.sum(pilot.statistics.n_steps))
    return Sampled(white.reshape(*shape, -1), statistics, gradients, interrupted=False)
