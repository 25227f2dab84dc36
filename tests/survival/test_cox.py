"""Cox regression against partial likelihoods written out, and where there is no answer."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from metachron.base import InputError, ModelError
from metachron.survival import fit_cox


def efron(beta, time, event, x, *, entry=None, strata=None, weight=None) -> float:
    """Return the log partial likelihood term by term, with case weights as in Therneau and Grambsch 2000."""
    entry = np.full(len(time), -np.inf) if entry is None else entry
    strata = np.zeros(len(time)) if strata is None else strata
    weight = np.ones(len(time)) if weight is None else weight
    total, risk = 0.0, weight * np.exp(x @ np.atleast_1d(beta))
    for s in np.unique(strata):
        for t in np.unique(time[event & (strata == s)]):
            at = (entry < t) & (time >= t) & (strata == s)
            tied = np.flatnonzero(event & (time == t) & (strata == s))
            total += (weight[tied] * (x[tied] @ np.atleast_1d(beta))).sum()
            for k in range(len(tied)):
                total -= weight[tied].mean() * math.log(risk[at].sum() - k / len(tied) * risk[tied].sum())
    return total


def trial(seed: int, n: int = 60) -> tuple[pl.DataFrame, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = np.stack([generator.normal(50.0, 10.0, n), generator.integers(0, 2, n).astype(float)], axis=1)
    life = generator.exponential(5.0 * np.exp(-0.03 * (x[:, 0] - 50.0) + 0.4 * x[:, 1]))
    censor = generator.uniform(1.0, 12.0, n)
    time = np.ceil(np.minimum(life, censor))
    frame = pl.DataFrame(
        {
            "month": time,
            "died": life <= censor,
            "age": x[:, 0],
            "new": x[:, 1],
            "entry": np.where(np.arange(n) % 3 == 0, np.floor(time / 2), 0.0),
            "site": generator.integers(0, 2, n),
        }
    )
    return frame, x


@pytest.mark.parametrize("entry", [None, "entry"])
@pytest.mark.parametrize("strata", [None, "site"])
def test_maximum_of_efrons_partial_likelihood(entry: str | None, strata: str | None) -> None:
    """Heavily tied months; the written-out likelihood is maximised by another algorithm."""
    frame, x = trial(1)
    arrays = {
        "entry": frame[entry].to_numpy() if entry else None,
        "strata": frame[strata].to_numpy() if strata else None,
    }
    if entry:
        arrays["entry"] = np.where(arrays["entry"] > 0.0, arrays["entry"], -np.inf)
    time, event = frame["month"].to_numpy(), frame["died"].to_numpy()
    centred = x - x.mean(axis=0)
    best = minimize(lambda b: -efron(b, time, event, centred, **arrays), np.zeros(2), method="BFGS", tol=1e-9)
    fit = fit_cox(frame, time="month", event="died", covariates=["age", "new"], entry=entry, strata=strata)
    np.testing.assert_allclose(fit.coefficients, best.x, atol=2e-6)
    assert fit.log_likelihood == pytest.approx(efron(fit.coefficients, time, event, centred, **arrays), abs=1e-9)
    assert fit.null_log_likelihood == pytest.approx(efron(np.zeros(2), time, event, centred, **arrays), abs=1e-9)
    assert (fit.rows, fit.events) == (60, event.sum())


def test_three_patients_by_hand() -> None:
    """Deaths at 1 (x = 1) and 2 (x = 0), one at risk throughout (x = 1): the score is zero at e^b = sqrt(2) / 2."""
    frame = pl.DataFrame({"t": [1.0, 2.0, 3.0], "d": [1, 1, 0], "x": [1.0, 0.0, 1.0]})
    fit = fit_cox(frame, time="t", event="d", covariates=["x"])
    assert math.exp(fit.coefficients[0]) == pytest.approx(math.sqrt(2.0) / 2.0, abs=1e-6)


def test_information_and_sandwich_against_numerical_derivatives() -> None:
    """The sandwich is the sum over rows of the squared change of the maximum with the weight of the row."""
    frame, x = trial(2, n=30)
    time, event = frame["month"].to_numpy(), frame["died"].to_numpy()
    x = x - x.mean(axis=0)
    fit = fit_cox(frame, time="month", event="died", covariates=["age", "new"])
    scale = np.asarray([1e-4, 1e-3])

    def score(weight: np.ndarray, at: np.ndarray) -> np.ndarray:
        def rise(step: np.ndarray) -> float:
            return efron(at + step, time, event, x, weight=weight) - efron(at - step, time, event, x, weight=weight)

        return np.asarray([rise(step) / (2 * step.sum()) for step in np.diag(scale)])

    ones, beta = np.ones(30), fit.coefficients
    information = -np.stack([(score(ones, beta + h) - score(ones, beta - h)) / (2 * h.sum()) for h in np.diag(scale)])
    np.testing.assert_allclose(np.linalg.inv(information), fit.covariance, rtol=1e-4)
    influence = np.stack([
        fit.covariance @ (score(ones + 1e-4 * row, beta) - score(ones - 1e-4 * row, beta)) / 2e-4 for row in np.eye(30)
    ])  # fmt: skip
    np.testing.assert_allclose(influence.T @ influence, fit.robust_covariance, rtol=1e-4)


def test_clusters_of_copied_rows() -> None:
    """Each row twice in one cluster: nearly the standard error of the rows alone, not that over sqrt 2."""
    generator = np.random.default_rng(3)
    time = generator.exponential(1.0, 300)
    frame = pl.DataFrame({"t": time, "d": 1, "x": generator.normal(size=300), "who": np.arange(300)})
    alone = fit_cox(frame, time="t", event="d", covariates=["x"])
    twice = pl.concat([frame, frame.with_columns(pl.col("t") + 1e-9)])
    both = fit_cox(twice, time="t", event="d", covariates=["x"], cluster="who").table()
    assert both["standard_error"][0] == pytest.approx(alone.table()["standard_error"][0] / math.sqrt(2), rel=0.02)
    assert both["robust_standard_error"][0] == pytest.approx(alone.table()["robust_standard_error"][0], rel=0.02)
    assert both["z"][0] == pytest.approx(both["coefficient"][0] / both["robust_standard_error"][0])


def test_baseline_and_predicted_survival() -> None:
    """The cumulative hazard is the sum of 1 / (Efron's denominators) written out; prediction multiplies it."""
    frame, x = trial(4)
    fit = fit_cox(frame, time="month", event="died", covariates=["age", "new"], reference={"new": 0})
    assert fit.terms == ("age", "new=1")
    time, event = frame["month"].to_numpy(), frame["died"].to_numpy()
    risk = np.exp((x - [x[:, 0].mean(), 0.0]) @ fit.coefficients)
    expected, at_five = 0.0, 0.0
    for t in np.unique(time[event]):
        tied = event & (time == t)
        expected += sum(1 / (risk[time >= t].sum() - k / tied.sum() * risk[tied].sum()) for k in range(tied.sum()))
        at_five = expected if t <= 5.0 else at_five
    assert fit.baseline["cumulative_hazard"][-1] == pytest.approx(expected, rel=1e-12)
    new = pl.DataFrame({"age": [40.0, 70.0], "new": [1, 0]})
    survival = fit.survival(new, [0.0, 5.4, time.max(), time.max() + 0.1])
    relative = np.exp([(40 - x[:, 0].mean()) * fit.coefficients[0] + fit.coefficients[1],
                       (70 - x[:, 0].mean()) * fit.coefficients[0]])  # fmt: skip
    np.testing.assert_allclose(survival[:, 0], 1.0)
    np.testing.assert_allclose(survival[:, 1], np.exp(-at_five * relative), rtol=1e-12)
    assert np.isnan(survival[:, 3]).all()
    assert not np.isnan(survival[:, 2]).any()


def test_strata_have_baselines_of_their_own() -> None:
    frame, _ = trial(5)
    fit = fit_cox(frame, time="month", event="died", covariates=["age"], strata="site")
    assert set(fit.baseline["stratum"]) == {"0", "1"}
    one = frame.filter(pl.col("site") == 1)
    got = fit.survival(pl.DataFrame({"age": [50.0, 50.0], "site": [0, 1]}), [4.0])
    assert got[0, 0] != got[1, 0]
    last = fit.last_time
    assert last["1"] == one["month"].max()
    with pytest.raises(InputError, match="strata 7"):
        fit.survival(pl.DataFrame({"age": [50.0], "site": [7]}), [4.0])


def test_table_and_intervals() -> None:
    frame, _ = trial(6)
    row = fit_cox(frame, time="month", event="died", covariates=["new"]).table(level=0.9).row(0, named=True)
    half = 1.6448536269514722 * row["standard_error"]
    assert row["hazard_ratio"] == pytest.approx(math.exp(row["coefficient"]))
    assert (row["lower"], row["upper"]) == pytest.approx(
        (math.exp(row["coefficient"] - half), math.exp(row["coefficient"] + half))
    )
    assert row["p_value"] == pytest.approx(math.erfc(abs(row["z"]) / math.sqrt(2.0)))


@pytest.mark.parametrize("seed", range(4))
def test_long_tailed_covariates_reach_the_maximum(seed: int) -> None:
    """Cauchy and log-normal covariates, on which whole Newton steps diverge for two of these seeds."""
    generator = np.random.default_rng(seed)
    x, z = generator.lognormal(0.0, 2.0, 400), generator.standard_cauchy(400)
    life, censor = generator.exponential(x**-0.3), generator.exponential(2.0, 400)
    frame = pl.DataFrame({"t": np.minimum(life, censor), "d": life <= censor, "x": x, "z": z})
    fit = fit_cox(frame, time="t", event="d", covariates=["x", "z"])
    design, time, event = np.stack([x - x.mean(), z - z.mean()], axis=1), frame["t"].to_numpy(), frame["d"].to_numpy()
    for step in (1e-2, -1e-2):
        for term, error in enumerate(np.sqrt(np.diag(fit.covariance))):
            beside = fit.coefficients + step * error * np.eye(2)[term]
            assert efron(beside, time, event, design) < fit.log_likelihood


def _with(frame: pl.DataFrame, **columns: object) -> pl.DataFrame:
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})  # type: ignore[arg-type]


def test_no_finite_maximum_names_the_terms() -> None:
    frame, _ = trial(7)
    few = np.where(np.arange(60) < 8, "rare", "usual")
    separated = _with(frame, kind=few, died=frame["died"].to_numpy() & (few == "usual"))
    with pytest.raises(ModelError, match="terms kind=rare: either"):
        fit_cox(separated, time="month", event="died", covariates=["age", "kind"], reference={"kind": "usual"})
    doubled = _with(frame, months_of_age=frame["age"].to_numpy() * 12.0)
    with pytest.raises(ModelError, match="terms age, months_of_age"):
        fit_cox(doubled, time="month", event="died", covariates=["age", "months_of_age"])
    with pytest.raises(ModelError, match="needs events"):
        fit_cox(_with(frame, died=np.zeros(60)), time="month", event="died", covariates=["age"])
    with pytest.raises(ModelError, match="at least one covariate"):
        fit_cox(frame, time="month", event="died", covariates=[])


@pytest.mark.parametrize(
    ("change", "arguments", "rule", "column", "said"),
    [
        ({"arm": ["a", "b"] * 30}, {"covariates": ["arm"]}, "reference", "arm", "reference={'arm': 'a'}"),
        ({"arm": ["a", "b"] * 30}, {"covariates": ["arm"], "reference": {"arm": "c"}}, "reference", "arm", "one of a"),
        ({}, {"covariates": ["age"], "reference": {"site": 0}}, "reference", "site", "a covariate"),
        ({"age": [3.0] * 60}, {"covariates": ["age"]}, "constant", "age", "no effect to find"),
        ({"age": [None, *range(59)]}, {"covariates": ["age"]}, "missing", "age", "nothing is left out silently"),
        ({"age": [math.nan, *range(59)]}, {"covariates": ["age"]}, "missing", "age", "1 empty cells in 60 rows"),
        ({}, {"covariates": ["weight"]}, "column", "weight", "no such column"),
        ({"month": [-1.0, *range(1, 60)]}, {"covariates": ["age"]}, "time", "month", "not negative"),
        ({"entry": [99.0, *[0.0] * 59]}, {"covariates": ["age"], "entry": "entry"}, "entry", "entry", "before"),
        ({"who": [None, *["x"] * 59]}, {"covariates": ["age"], "cluster": "who"}, "missing", "who", "1 empty cells"),
    ],
)  # fmt: skip
def test_malformed_input(change, arguments, rule, column, said) -> None:
    frame = _with(trial(8)[0], **change)
    with pytest.raises(InputError, match="what to do") as caught:
        fit_cox(frame, time="month", event="died", **arguments)
    problem = caught.value.problems[0]
    assert (problem.rule, problem.column) == (rule, column)
    assert said in str(problem)


def test_prediction_for_an_unknown_level() -> None:
    frame = _with(trial(9)[0], arm=["a", "b", "b"] * 20)
    fit = fit_cox(frame, time="month", event="died", covariates=["arm"], reference={"arm": "b"})
    assert fit.terms == ("arm=a",)
    with pytest.raises(InputError, match=r"levels c; expected one of b, a"):
        fit.linear_predictor(pl.DataFrame({"arm": ["a", "c"]}))
    np.testing.assert_allclose(fit.linear_predictor(pl.DataFrame({"arm": ["b", "a"]})), [0.0, fit.coefficients[0]])
