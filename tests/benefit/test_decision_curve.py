"""Net benefit by hand, in closed form, and in the simplest cases in which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from metachron.base import InputError, ModelError
from metachron.benefit.decision_curve import decision_curve, net_benefit, response_decision_curve


def _value(table, strategy: str, threshold: float) -> float:
    return table.filter((table["strategy"] == strategy) & (table["threshold"] == threshold))["net_benefit"].item()


def test_a_binary_outcome_by_hand() -> None:
    """Ten patients, four with the outcome. At 0.25 five are acted on, three rightly: 3/10 - 2/10 x 1/3; all: 4/10 -
    6/10 x 1/3."""
    outcome = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    risk = [0.9, 0.6, 0.25, 0.1, 0.7, 0.3, 0.2, 0.1, 0.1, 0.0]
    table = response_decision_curve({"model": risk}, outcome, thresholds=[0.25, 0.95], samples=20).table
    assert _value(table, "model", 0.25) == pytest.approx(0.3 - 0.2 / 3)
    assert _value(table, "all", 0.25) == pytest.approx(0.4 - 0.6 / 3)
    assert _value(table, "none", 0.25) == 0.0
    assert _value(table, "model", 0.95) == 0.0
    assert table.filter(table["strategy"] == "model")["acted_on"].to_list() == [0.5, 0.0]


def test_a_censored_outcome_by_hand() -> None:
    """Those acted on: deaths at 1 and 3, censored at 2, alive at 5. Survival at 4 is 3/4 x 1/2 = 3/8."""
    time = np.array([1.0, 2.0, 3.0, 5.0, 1.5, 6.0, 6.0, 6.0])
    event = np.array([1, 0, 1, 0, 0, 0, 1, 0], dtype=bool)
    risk = np.array([0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1])
    by_hand = 0.5 * (5 / 8 - 3 / 8 * 0.2 / 0.8)
    assert net_benefit(time, event, risk, 4.0, threshold=0.2) == pytest.approx(by_hand)
    assert np.isnan(net_benefit(time, event, risk, 5.5, threshold=0.2))  # the last of those acted on is seen until 5


def test_calibrated_risks_gain_what_the_closed_form_says() -> None:
    """Risks uniform on 0 to 1 and true: the integral over r >= p of r - (1 - r) p / (1 - p) is (1 - p) / 2; exponential
    lives with a third censored; to 4 standard errors of 40,000 patients."""
    rng = np.random.default_rng(1)
    risk = rng.uniform(size=40_000)
    life, end = rng.exponential(-1.0 / np.log1p(-risk)), rng.uniform(0.2, 4.0, 40_000)
    time, event = np.minimum(life, end), life <= end
    for threshold in (0.2, 0.5, 0.8):
        found = net_benefit(time, event, risk, 1.0, threshold=threshold)
        assert found == pytest.approx((1.0 - threshold) / 2.0, abs=0.012 / (1.0 - threshold))


def test_intervals_hold_the_value_and_nonsense_is_refused() -> None:
    rng = np.random.default_rng(2)
    risk = rng.uniform(size=200)
    outcome = rng.uniform(size=200) < risk
    table = response_decision_curve({"model": risk}, outcome, thresholds=[0.3, 0.6]).table
    inside = (table["lower"] <= table["net_benefit"]) & (table["net_benefit"] <= table["upper"])
    assert inside.all()
    with pytest.raises(ModelError, match="between 0 and 1"):
        response_decision_curve({"model": risk}, outcome, thresholds=[1.0])
    with pytest.raises(ModelError, match="another name"):
        response_decision_curve({"all": risk}, outcome)
    with pytest.raises(InputError, match="a probability per patient"):
        response_decision_curve({"model": risk * 2.0}, outcome)
    with pytest.raises(InputError, match="choose a horizon of at most 2"):
        decision_curve({"model": risk[:3]}, [1.0, 2.0, 2.0], [1, 0, 0], horizon_year=3.0)
    with pytest.raises(InputError, match="0 and 1"):
        response_decision_curve({"model": risk[:2]}, [0.5, 1.0])
