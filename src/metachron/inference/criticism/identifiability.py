"""What the data do not tell: posteriors that repeat their prior, parameters that move together or stand at a bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from metachron.base import Prior
from metachron.inference.fit import Fit
from metachron.inference.posterior import population_draws
from metachron.joint.horseshoe import is_shrinkage_scale
from metachron.joint.names import FlatName, flat_names
from metachron.joint.priors import distribution, is_positive
from metachron.joint.sites import CORRELATION, list_sites

PRIOR_DRAWS = 4000
BINS = 10
"""Tenths of the prior in which posterior draws are counted. With 100 effective draws the overlap of equal distributions
is still seen as 0.88 on average, so a limit of 0.8 does not miss them for noise."""
OVERLAP_LIMIT = 0.8
"""Two normal distributions of one width have this overlap when their means lie half a standard deviation apart."""
CONTRACTION_LIMIT = 0.2
"""At this contraction the data say a quarter of what the prior says: the posterior is mostly the prior."""
CORRELATION_LIMIT = 0.95
"""At this correlation one parameter, were it known, would leave the other a tenth of its variance."""
ZERO_LIMIT = 0.1
"""Of a positive parameter the ratio of its 5 % to its 95 % quantile: below it, 0 lies within 1.5 posterior standard
deviations of the most likely value (normal cut at 0). It is 0.05 for a uniform and 0.03 for a half-normal posterior."""
ONE_LIMIT = 0.95
"""A correlation of patient effects whose posterior median lies beyond it, on either side, is at its bound."""


@dataclass(frozen=True)
class Finding:
    """Something that the data leave open.

    Parameters
    ----------
    kind : ``"prior"`` (the posterior repeats the prior), ``"correlation"`` (two parameters move together) or
        ``"bound"`` (a standard deviation at 0, a correlation of effects at 1 or -1).
    parameters : names as in `Fit.summary`.
    numbers : what the finding rests on, by name.
    sentence, remedy : what was found, and what to do.
    """

    kind: str
    parameters: tuple[str, ...]
    numbers: Mapping[str, float]
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence}: {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        found = {"kind": self.kind, "parameters": list(self.parameters), **self.numbers}
        return {**found, "sentence": self.sentence, "remedy": self.remedy}


def find_unidentified(fit: Fit, *, seed: int = 1) -> list[Finding]:
    """Return what the data of a fit do not tell of its population parameters; empty where nothing was found.

    - ``prior``: contraction below 0.2 and overlap above 0.8. Posterior draws are carried to the scale on which draws of
      the prior are standard normal; contraction is 1 - variance of the posterior there (Betancourt 2018,
      arXiv:1803.08393), overlap the area under the lower of the two densities, by tenths of the prior.
    - ``correlation``: a rank correlation above 0.95, of either sign, between two parameters over the posterior.
    - ``bound``: a positive parameter whose 5 % quantile is below a tenth of its 95 % one, or a correlation of patient
      effects whose median is beyond 0.95.

    A finding is no error: the draws can be right and the parameter open all the same.
    """
    names = [n for n in flat_names(fit.model, fit.dims, fit.labels) if not is_shrinkage_scale(n.site)]
    draws = population_draws(fit.posterior, names).reshape(-1, len(names))
    priors = {site.name: site.prior for site in list_sites(fit.model, fit.dims)}
    found = list(_repeats(names, draws, _prior_draws(fit, names, seed), priors))
    found += _pairs(names, draws)
    found += _bounds(names, draws, priors)
    return found


def _prior_draws(fit: Fit, names: list[FlatName], seed: int) -> Float[np.ndarray, "draw parameter"]:
    sites = list_sites(fit.model, fit.dims)
    values: dict[str, np.ndarray] = {}
    for site, key in zip(sites, jax.random.split(jax.random.key(seed), len(sites)), strict=True):
        value = np.asarray(distribution(site.prior, site.shape).sample(key, (PRIOR_DRAWS,)))
        if (scale := site.scale(values)) is not None:
            value = value * np.asarray(scale).reshape(len(value), *np.shape(scale)[1:] or (1,) * len(site.shape))
        values[site.name] = value @ np.swapaxes(value, -1, -2) if site.name == CORRELATION else value
    columns = [np.moveaxis(values[name.site], 0, -1)[name.position] for name in names]
    return np.stack(columns, axis=1)


def compare_with_prior(posterior: Float[np.ndarray, " draw"], prior: Float[np.ndarray, " draw"]) -> tuple[float, float]:
    """Return contraction and overlap of posterior draws against draws of the prior.

    Neither changes under a monotone map of the parameter.
    """
    level = (np.searchsorted(np.sort(prior), posterior) + 0.5) / (len(prior) + 1)
    share = np.histogram(level, bins=BINS, range=(0.0, 1.0))[0] / len(level)
    return float(1.0 - np.var(ndtri(level))), float(np.minimum(share, 1.0 / BINS).sum())


def _repeats(
    names: list[FlatName], draws: np.ndarray, prior: np.ndarray, priors: Mapping[str, Prior]
) -> Iterator[Finding]:
    for index, name in enumerate(names):
        contraction, overlap = compare_with_prior(draws[:, index], prior[:, index])
        if contraction < CONTRACTION_LIMIT and overlap > OVERLAP_LIMIT:
            yield Finding(
                "prior",
                (name.name,),
                {"contraction": contraction, "overlap": overlap},
                f"The posterior of {name.name} repeats its prior (contraction {contraction:.2f}, overlap "
                f"{overlap:.2f}): the data say next to nothing of it",
                _on_prior(name, priors[name.site]),
            )


def _on_prior(name: FlatName, prior: Prior) -> str:
    stated = f"{prior.family}({', '.join(f'{value:g}' for value in prior.args)})"
    start = f"quote it as an assumption, the prior {stated}, and not as a result"
    if name.site.endswith(".mean"):
        return f"{start}; one mean for all arms, or a law without this parameter, would do as well here"
    if name.site.endswith((".sd", ".lesion_sd")):
        return f"{start}; without this patient or lesion effect (random = false) the model says as much"
    if name.site.endswith((".organ_sd", ".organ")):
        return f"{start}; without effects of organs on it (organ = 'none') the model says as much"
    if ".beta" in name.site or ".link[" in name.site:
        return f"{start}; leave the covariate or link out, or gather more events"
    return f"{start}; check that results do not change under another reasonable prior"


def _pairs(names: list[FlatName], draws: np.ndarray) -> Iterator[Finding]:
    if len(names) < 2 or len(draws) < 3:
        return
    from scipy.stats import rankdata  # here, since every report imports this module, and few ask

    ranks = rankdata(draws, axis=0)
    varied = np.ptp(draws, axis=0) > 0
    table = np.zeros((len(names), len(names)))
    table[np.ix_(varied, varied)] = np.corrcoef(ranks[:, varied], rowvar=False)
    for first, second in combinations(range(len(names)), 2):
        value = float(table[first, second])
        if abs(value) > CORRELATION_LIMIT:
            one, other = names[first].name, names[second].name
            yield Finding(
                "correlation",
                (one, other),
                {"correlation": value},
                f"{one} and {other} move together over the posterior (rank correlation {value:.3f})",
                "the data tell a combination of the two, not each: report what follows from both, such as a predicted "
                "size or survival, or fix one of them, or give one a tighter prior from other data",
            )


def _bounds(names: list[FlatName], draws: np.ndarray, priors: Mapping[str, Prior]) -> Iterator[Finding]:
    for index, name in enumerate(names):
        low, middle, high = (float(q) for q in np.quantile(draws[:, index], (0.05, 0.5, 0.95)))
        if name.site == CORRELATION and abs(middle) > ONE_LIMIT:
            yield Finding(
                "bound",
                (name.name,),
                {"median": middle},
                f"{name.name} is at its bound {'1' if middle > 0 else '-1'} (posterior median {middle:.3f})",
                'the two effects are one in these data: take covariance = "independent", or one random effect less',
            )
        elif is_positive(priors[name.site]) and low < ZERO_LIMIT * high:
            yield Finding(
                "bound",
                (name.name,),
                {"q05": low, "q95": high},
                f"{name.name} is at its bound 0 (5 % quantile {low:.3g}, 95 % quantile {high:.3g})",
                _on_zero(name),
            )


def _on_zero(name: FlatName) -> str:
    if name.site.endswith((".sd", ".lesion_sd")):
        return "patients may as well not differ in it: take the effect out (random = false) and compare the two fits"
    if name.site.endswith(".organ_sd"):
        return 'organs may as well not differ in it: leave their effects out (organ = "none") and compare the two fits'
    if name.site.startswith("residual."):
        return "this part of the measurement error may be absent: take an observation law without it"
    return "the data agree with 0: a simpler model without this part may do as well"
