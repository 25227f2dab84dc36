"""Ranking by leave-one-out: differences, weights, verdicts, and which models may be ranked together."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from metachron.base import ModelError
from metachron.inference.criticism import LeaveOneOut
from metachron.inference.criticism.compare import BEST, CLOSE, WORSE, rank, refuse_incomparable, stacking_weights
from metachron.joint import compose


def left_out(elpd: np.ndarray, weak: tuple[str, ...] = ()) -> LeaveOneOut:
    table = pl.DataFrame({"patient": [f"P{i}" for i in range(len(elpd))], "elpd": elpd})
    return LeaveOneOut(table, float(elpd.sum()), float(np.sqrt(len(elpd)) * elpd.std(ddof=1)), 3.0, 0.1, weak)


def test_differences_are_paired_by_patient() -> None:
    """Patients differ by tens, models by a tenth: the error of the difference knows only the second."""
    base = np.linspace(-60.0, -10.0, 200)
    step = np.where(np.arange(200) % 2 == 0, -0.3, 0.1)
    found = rank({"worse": left_out(base + step), "better": left_out(base)})
    first, second = found.table.iter_rows(named=True)
    assert (first["model"], first["difference"], first["verdict"]) == ("better", 0.0, BEST)
    assert second["difference"] == pytest.approx(200 * -0.1)
    assert second["difference_se"] == pytest.approx(np.sqrt(200) * step.std(ddof=1))
    assert second["se"] > 20 * second["difference_se"]
    assert second["verdict"] == WORSE
    assert found.cautions == ()
    pairs = found.pointwise()
    np.testing.assert_allclose(pairs["difference"], step)


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        (np.full(100, -0.03), CLOSE),  # 3 behind, always by the same: too small a difference, whatever its error
        (np.full(100, -0.05), WORSE),  # 5 behind without any scatter
        (np.tile([-3.0, 2.8], 50), CLOSE),  # 10 behind with an error of 29
    ],
)
def test_a_model_is_worse_only_beyond_error_and_4(step: np.ndarray, verdict: str) -> None:
    found = rank({"a": left_out(np.full(100, -20.0)), "b": left_out(-20.0 + step)})
    assert found.table["verdict"].to_list() == [BEST, verdict]


def test_small_cohorts_and_weak_patients_are_cautioned_of() -> None:
    base = np.linspace(-3.0, -1.0, 30)
    found = rank({"a": left_out(base), "b": left_out(base - 1.0, weak=("P3",))})
    assert "with 30 patients" in found.cautions[0]
    assert "under b" in found.cautions[1]
    assert found.table["weak"].to_list() == [0, 1]
    assert found.as_dict()["cautions"] == list(found.cautions)


def test_pointwise_needs_a_second_model() -> None:
    with pytest.raises(ModelError, match="no difference to show"):
        rank({"a": left_out(np.zeros(3))}).pointwise()
    with pytest.raises(ModelError, match="no difference to show for c"):
        rank({"a": left_out(np.zeros(3)), "b": left_out(np.ones(3))}).pointwise("c")
    with pytest.raises(ModelError, match="nothing to compare"):
        rank({})


def test_stacking_weights_maximise_the_log_score_of_the_mixture() -> None:
    """Against a fine grid of weights; the optimiser stops at 1e-10 of the mean score."""
    draws = np.random.default_rng(3)
    elpd = draws.normal(-2.0, 0.7, size=(60, 2)) + np.array([0.0, -0.1])
    weight = stacking_weights(elpd)

    def score(first: np.ndarray) -> np.ndarray:
        mixed = np.exp(elpd[:, :1]) * first + np.exp(elpd[:, 1:]) * (1.0 - first)
        return np.log(mixed).mean(axis=0)

    grid = np.linspace(0.0, 1.0, 100_001)
    assert weight.sum() == pytest.approx(1.0)
    assert 0.0 < weight[0] < 1.0
    assert weight[0] == pytest.approx(grid[score(grid).argmax()], abs=1e-3)


def test_a_model_that_never_helps_has_no_weight() -> None:
    base = np.linspace(-900.0, -1.0, 50)
    weight = stacking_weights(np.stack([base, base - 5.0, base - 0.5], axis=1))
    np.testing.assert_allclose(weight, [1.0, 0.0, 0.0])


INCOMPARABLE = {
    "one has no hazard": compose(hazard=None),
    "one has no dynamics": compose(dynamics=None),
    "another event": compose(event="progression"),
    "lesions": compose(size="lesion"),
}


@pytest.mark.parametrize("case", INCOMPARABLE)
def test_models_of_different_outcomes_are_refused(case: str) -> None:
    with pytest.raises(ModelError, match="different outcomes") as caught:
        refuse_incomparable({"first": (compose(), 5.0), "second": (INCOMPARABLE[case], 5.0)})
    assert "sums of sizes above 5 mm and death: first" in str(caught.value)


def test_limits_are_compared_in_mm() -> None:
    refuse_incomparable({"a": (compose(), 5.0), "b": (compose(dynamics="random-slope"), 5.0)})
    with pytest.raises(ModelError, match="above 10 mm"):
        refuse_incomparable({"a": (compose(), 5.0), "b": (compose(), 10.0)})
    line = compose(dynamics="random-slope-boxcox")
    assert line.dynamics is not None
    working = float(line.dynamics.law.scale.from_mm(jnp.asarray(5.0)))
    same = line.replace(dynamics=replace(line.dynamics, limit_working=working))
    refuse_incomparable({"a": (compose(), 5.0), "on the working scale": (same, 99.0)})
