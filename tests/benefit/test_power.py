"""Power of an interaction against quadrature and the rule of four times the patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from metachron.base import ModelError
from metachron.benefit import interaction_power

TRIAL = {"accrual_year": 1.5, "follow_up_year": 0.8}


def test_expected_events_by_quadrature_over_entry():
    found = interaction_power(500, prevalence=0.3, hazards_per_year=[0.9, 0.5, 0.7, 0.2], treated_share=0.6, **TRIAL)
    shares = [0.7 * 0.4, 0.7 * 0.6, 0.3 * 0.4, 0.3 * 0.6]
    for events, share, hazard in zip(found.events, shares, [0.9, 0.5, 0.7, 0.2], strict=True):
        chance = quad(lambda s, rate=hazard: (1.0 - np.exp(-rate * (0.8 + s))) / 1.5, 0.0, 1.5)[0]
        assert events == pytest.approx(500 * share * chance, rel=1e-9)


def test_an_interaction_needs_four_times_the_events_of_a_main_effect():
    """Even events: variance 16 / d, against 4 / d of the treatment's log hazard ratio."""
    found = interaction_power(400, prevalence=0.5, hazards_per_year=[0.6] * 4, **TRIAL)
    assert found.standard_error**2 == pytest.approx(16.0 / sum(found.events))
    assert found.power == pytest.approx(0.05)


def test_power_is_the_chance_of_a_normal_statistic():
    hazards = [0.8, 0.7, 0.8, 0.3]
    found = interaction_power(400, prevalence=0.4, hazards_per_year=hazards, level=0.01, **TRIAL)
    ratio = np.log(0.3 / 0.8) - np.log(0.7 / 0.8)
    z = norm.ppf(0.995)
    chance = norm.sf(z, abs(ratio) / found.standard_error) + norm.cdf(-z, abs(ratio) / found.standard_error)
    assert found.power == pytest.approx(chance)


def test_nonsense_is_refused():
    with pytest.raises(ModelError, match="four positive hazards"):
        interaction_power(100, prevalence=0.5, hazards_per_year=[1.0, 1.0, 0.0, 1.0], **TRIAL)
    with pytest.raises(ModelError, match="between 0 and 1"):
        interaction_power(100, prevalence=1.0, hazards_per_year=[1.0] * 4, **TRIAL)
