"""Conformance: every law, hazard, link and observation law that is registered, in combination.

The fast tests walk a set in which every supported pair of choices stands together at least once; the slow ones every
supported combination. A new entry of a registry is picked up without a change here.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from joint.combinations import NONE, Combination, covering_pairs, pairs, supported, supports_link
from joint.conformance_checks import check_cumulative_hazard, check_density, fine_rule
from metachron.dynamics import LAWS
from metachron.hazards import HAZARDS
from metachron.joint import LINKS, OBSERVATIONS

COVERING = covering_pairs()


def test_the_covering_set_covers_every_supported_pair() -> None:
    """Counted apart from the construction: pairs of law and link, for one, against their own definition."""
    covered = {pair for one in COVERING for pair in pairs(one)}
    assert covered == {pair for one in supported() for pair in pairs(one)}
    assert {one.law for one in COVERING} == set(LAWS)
    assert {one.hazard for one in COVERING} == set(HAZARDS)
    assert {one.observation for one in COVERING} == set(OBSERVATIONS)
    for law in LAWS:
        linked = {link for one in COVERING if one.law == law for link in one.links}
        assert linked == {link for link in LINKS if supports_link(law, link)}
    assert len(COVERING) < 90, "the least possible is 64, laws times hazards"


def test_fine_rule() -> None:
    """Against adaptive quadrature, for hazards like t^(k - 1) exp(v t), entry at day 0 and later, with a jump."""
    start, stop, knots = np.array([0.0, 0.4]), np.array([2.0, 1.1]), np.array([0.9])
    times, weights = fine_rule(start, stop, knots)
    for shape, rate in ((0.3, 4.0), (1.0, -200.0), (2.5, 20.0)):

        def hazard(t: np.ndarray, k: float = shape, v: float = rate) -> np.ndarray:
            return np.where(t > 0.9, 3.0, 1.0) * t ** (k - 1) * np.exp(v * t)

        for i in (0, 1):
            expected = sum(
                quad(lambda x, k=shape: hazard(x ** (1 / k)) * x ** (1 / k - 1) / k, a**shape, b**shape,
                     epsabs=0.0, epsrel=1e-12, limit=200)[0]
                for a, b in ((start[i], 0.9), (0.9, stop[i]))
            )  # fmt: skip
            assert np.sum(weights[i] * hazard(times[i])) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("one", COVERING, ids=str)
def test_density_of_covering_combinations(one: Combination) -> None:
    check_density(one, seed=COVERING.index(one))


def test_cumulative_hazard_of_covering_combinations() -> None:
    """Closed form: error below 1e-9. Quadrature: 95 % below 1e-7, all below 1e-4, over the prior of everything.

    The worst are tumours of metres that double in days, whose hazard falls or rises by many orders of magnitude
    within a week; the prior allows them, data do not.
    """
    errors: dict[bool, list[float]] = {True: [], False: []}
    for seed, one in enumerate(COVERING):
        errors[one.moving != NONE] += check_cumulative_hazard(one, seed)
    assert len(errors[False]) > 200
    assert max(errors[False]) < 1e-9
    assert len(errors[True]) > 800
    assert np.quantile(errors[True], 0.95) < 1e-7
    assert max(errors[True]) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("hazard", list(HAZARDS))
@pytest.mark.parametrize("law", list(LAWS))
def test_every_supported_combination(law: str, hazard: str) -> None:
    """All observation laws and all single links of a law and a hazard; about 20 minutes on 2 cores for all 64.

    The worst draw of the prior has an error of 0.2 % at the default 32 nodes (tumours of metres, linked by their area),
    and the rule converges: with twice the nodes it is below 1e-4.
    """
    chosen = [
        one for one in supported()
        if (one.law, one.hazard) == (law, hazard) and len(one.links) <= 1
    ]  # fmt: skip
    assert len(chosen) >= 18
    errors: list[float] = []
    finer: list[float] = []
    for seed, one in enumerate(chosen):
        check_density(one, seed)
        if one.observation == chosen[0].observation:
            errors += check_cumulative_hazard(one, seed)
            finer += check_cumulative_hazard(one, seed, nodes=64)
    assert max(errors) < 2e-3
    assert np.quantile(errors, 0.95) < 1e-6
    assert max(finer) < 1e-4
