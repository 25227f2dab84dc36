"""Whitened draws and the log density that they come from, on as many nodes as it takes.

NUTS samples on few nodes. Where it goes is where they must be right: a region that they misjudge draws it in. So the
draws of a first run are held against other nodes before any more are made, and with twice the nodes it begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from metachron.inference.chains import sample_chains
from metachron.inference.checkpoint import MemoryStore, Store
from metachron.inference.marginal.independent import draw_independently, pilot_settings
from metachron.inference.marginal.integrals import Integrals
from metachron.inference.marginal.prepare import Report
from metachron.inference.marginal.whitened import whitened_target
from metachron.inference.pareto import effective_share
from metachron.inference.progress import Progress
from metachron.inference.sampled import Sampled
from metachron.inference.settings import NutsSettings
from metachron.inference.target import Target

MOST_MEAN_ROWS = 16
"""Rows of nodes per patient on average at most: beyond it the verdict says that NUTS is better."""
ERROR_LEFT = 0.3
"""Of the corrected log density, in standard deviations over the normal approximation: 9 % of draws are lost to it."""
LEAST_AGREEMENT = 0.7
"""Share of draws of NUTS that are effective on other nodes: below it their region may be a wrong one."""
PROBES = 100
CHECKING = 4
"""Times the sampler's nodes on which draws are weighed, and from which patient effects are drawn."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """The integrals with the nodes that were enough, and whitened draws; ``lp`` is the log density that they come from:
    the sampler's, or that of a proposal. ``by_nuts`` gives draws of NUTS in the place of those of a proposal.
    """

    integrals: Integrals
    raw: Sampled
    by_nuts: Callable[[], Sampled] | None = None


def draw_white(
    integrals: Integrals,
    settings: NutsSettings,
    progress: Progress | None,
    checkpoint: Store | None,
    tell: Report | None,
) -> Drawn:
    """Return independent draws where they look good enough, else those of NUTS."""
    store = checkpoint or MemoryStore()
    first = pilot_settings(settings)
    while _more_allowed(integrals) and _left(integrals, settings.seed) > ERROR_LEFT:
        integrals = integrals.doubled()
    while True:
        target, label = _target(integrals, settings.seed + 1), f"-{integrals.prepared.mean_rows}"
        raw = sample_chains(target, first or settings, progress, store, label)
        if raw.interrupted or not _more_allowed(integrals) or _agree(integrals, raw, settings.seed):
            break
        integrals = integrals.doubled()
        if tell is not None:
            tell(f"nodes misjudge where the draws go; anew with {integrals.prepared.mean_rows} times 64 per patient")
    if raw.interrupted or first is None:
        return Drawn(integrals, raw)

    def by_nuts() -> Sampled:
        if tell is not None:
            tell("the posterior is too far from normal for independent draws; NUTS goes on")
        return sample_chains(target, settings, progress, store, label)

    independent = draw_independently(integrals, raw, settings)
    return Drawn(integrals, by_nuts()) if independent is None else Drawn(integrals, independent, by_nuts)


def _more_allowed(integrals: Integrals) -> bool:
    return integrals.prepared.mean_rows < MOST_MEAN_ROWS


def _left(integrals: Integrals, seed: int) -> float:
    """Return the standard deviation, over the normal approximation, of what the correction leaves of the error."""
    white = np.random.default_rng(seed).normal(size=(PROBES, len(integrals.coordinates.centre)))
    one, other = (integrals.at(white, times=1, seed=seed + k).log_likelihood for k in (5, 6))
    return float(np.std(one - other) / np.sqrt(2.0))


def _agree(integrals: Integrals, raw: Sampled, seed: int) -> bool:
    """Return whether the log density at some draws is on more nodes what it was on those of the sampler."""
    white, lp = raw.positions.reshape(-1, raw.positions.shape[-1]), raw.statistics.lp.ravel()
    some = np.linspace(0, len(white) - 1, min(PROBES, len(white))).astype(int)
    found = integrals.at(white[some], times=CHECKING, seed=seed + 3).log_likelihood + integrals.log_prior(white[some])
    return effective_share(softmax(found - lp[some])) > LEAST_AGREEMENT


def _target(integrals: Integrals, seed: int) -> Target:
    prepared, correction = integrals.prepared, integrals.correction(times=1, seed=seed)
    return whitened_target(prepared.view, prepared.table(seed=seed), correction, integrals.coordinates)
