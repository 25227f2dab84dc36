"""The durable class: integrals against grids, probabilities of patients, cautions, and recovery from a trial."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from inference.made_fits import TRUTH, make_fit
from inference.marginal_grids import grid_log_likelihood
from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.inference import estimate, fit
from metachron.inference.follow_up import follow_up_cautions, follow_up_plateaus
from metachron.inference.marginal.density import value_and_gradient
from metachron.inference.marginal.prepare import prepare_at
from metachron.inference.marginal.suitable import why_not
from metachron.inference.predict import (
    clinical_parameters,
    durable_by_arm,
    durable_probability,
    effect_modifiers,
    individual_curves,
    individual_estimates,
    survival_by_arm,
)
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms
from metachron.joint.given_parameters import read_parameters
from metachron.joint.vector import Values, effect_shapes, pack_population, unpack_population

FEW = VisitPlan(visit_day=(-7.0, 100.0, 250.0, 500.0, 900.0), cutoff_day=1000.0)
LONG = VisitPlan(visit_day=(-7.0, *(84.0 * k for k in range(1, 21))), cutoff_day=1800.0)
DURABLE = {**TRUTH, "death.durable": -1.0, "durable.logit": -1.0, "durable.beta": 1.0}


def trial(model: JointModel, truth: dict[str, Any], plan: VisitPlan, count: int, seed: int = 6) -> Cohort:
    return model.simulate(truth, patients_in_arms({"control": count, "new": count}, "S"), plan, seed=seed)


def two_effects() -> JointModel:
    """Patients do not differ in their baseline: trajectories at the nodes move with the population parameters."""
    model = compose(links=["log-growth", "shared-effects", "time-to-growth"], durable=["arm"])
    assert model.dynamics is not None
    first, *others = model.dynamics.parameters
    return replace(model, dynamics=replace(model.dynamics, parameters=(replace(first, random=False), *others)))


def _truth_of_two() -> dict[str, Any]:
    known = {name: value for name, value in DURABLE.items() if name != "log_baseline_mm.sd"}
    more = {"log_shrinkage_per_year": 0.2, "log_growth_per_year": 0.3}
    return known | {f"death.link[effect:{name}]": value for name, value in more.items()} | {
        "death.link[time-to-growth]": -0.1
    }  # fmt: skip


CASES = {
    "all random": (compose(links=["log-growth"], durable=["arm"]), DURABLE, 64),
    "baseline common": (two_effects(), _truth_of_two(), 400),
}


@pytest.mark.parametrize("what", list(CASES))
def test_integrals_over_effects_and_class_agree_with_a_grid(what: str) -> None:
    """At the truth and at a vector beside it; 12 patients: 0.1 is 0.03 for each, the error of 1024 nodes each. Sizes
    scatter by 25 %, so that the grid is fine beside what they say.
    """
    model, truth, points = CASES[what]
    truth = {**truth, "residual.proportional": 0.25}
    cohort = trial(model, truth, FEW, 6)
    binding = model.bind(cohort)
    vector = np.asarray(pack_population(read_parameters(model, binding, truth), model, binding.dims))
    beside = vector + 0.2 * np.random.default_rng(1).uniform(-1.0, 1.0, len(vector))
    prepared = prepare_at(model, binding, np.stack([vector, beside]), seed=1, mean_rows=16)
    table = prepared.table(seed=9)
    for vector in prepared.vectors:
        value, gradient = value_and_gradient(jnp.asarray(vector), table, view=prepared.view, with_prior=False)
        assert float(value) == pytest.approx(grid_log_likelihood(model, binding, vector, points=points), abs=0.1)
        assert np.isfinite(np.asarray(gradient)).all()


def test_lesion_by_lesion_is_sampled() -> None:
    reason = why_not(compose(size="lesion", durable=True))
    assert reason is not None
    assert "two classes" in reason
    assert why_not(compose(durable=True)) is None


def mixed_trial(count: int) -> tuple[JointModel, Cohort, np.ndarray]:
    """Return a trial put together from one of durable responders alone and one without any, and who is one."""
    model = compose(links=["log-growth"], durable=True)
    truth = {name: value for name, value in DURABLE.items() if name != "durable.beta"}
    parts = [
        trial(model, {**truth, "durable.logit": logit}, LONG, number // 2, seed=seed)
        for logit, number, seed in ((800.0, count, 2), (-800.0, 2 * count, 3))
    ]
    renamed = [
        {name: frame.with_columns(pl.col("patient") + suffix) for name, frame in part.tables.items()}
        for part, suffix in zip(parts, ("-durable", "-growing"), strict=True)
    ]
    tables = {name: pl.concat([one[name] for one in renamed]) for name in renamed[0]}
    cohort = parts[0].with_rows(tables)
    return model, cohort, np.asarray([name.endswith("durable") for name in cohort.patient_ids])


@pytest.fixture(scope="module")
def mixed() -> tuple[JointModel, Cohort, np.ndarray]:
    return mixed_trial(40)


def test_probability_of_a_patient_is_that_of_bayes(mixed: tuple[JointModel, Cohort, np.ndarray]) -> None:
    """One draw: p L1 / [(1 - p) L0 + p L1] from the likelihoods of models in which nobody, or everybody, is durable."""
    model, cohort, _ = mixed
    theta = {name: value for name, value in DURABLE.items() if name != "durable.beta"}
    known = make_fit(model, cohort, theta)
    table = durable_probability(known)
    binding = model.bind(cohort)
    vector = np.asarray(known.posterior["durable.logit"])
    assert expit(vector.item()) == pytest.approx(table["before"][0])
    theta_of, _ = unpack_population(_vector(known), model, binding.dims)
    values = Values(theta_of, _standard(known, binding), jnp.zeros(effect_shapes(model, binding.dims)[1]))

    def at(logit: float) -> np.ndarray:
        moved = values._replace(theta={**values.theta, "durable.logit": jnp.asarray(logit)})
        return np.asarray(model.log_likelihood_by_patient(moved, binding.design, binding.dims))[: len(table)]

    expected = expit(-1.0 + at(800.0) - at(-800.0))
    np.testing.assert_allclose(table["after"], expected, rtol=1e-7, atol=1e-12)
    arms = durable_by_arm(table)
    assert arms["patients"].sum() == len(table)
    assert arms["expected"].sum() == pytest.approx(table["after"].sum())


def _vector(known) -> jnp.ndarray:
    from metachron.inference.predict.draws import population_vectors

    return jnp.asarray(population_vectors(known, 1)[0])


def _standard(known, binding) -> jnp.ndarray:
    from metachron.inference.predict.draws import take_draws

    draws = take_draws(known, 1)
    shape = effect_shapes(known.model, binding.dims)[0]
    columns = [
        jnp.pad(draws.effects[p.label][0] / draws.theta[f"{p.label}.sd"][0], (0, shape[0] - len(known.labels.patients)))
        for p in known.model.random
    ]
    return jnp.stack(columns, axis=1)


def test_predictions_take_both_classes(mixed: tuple[JointModel, Cohort, np.ndarray]) -> None:
    """Everybody durable: no growth, and survival is the Weibull one shifted by the class; nobody: that of TRUTH."""
    model, cohort, _ = mixed
    theta = {name: value for name, value in DURABLE.items() if name != "durable.beta"}
    everybody = make_fit(model, cohort, {**theta, "durable.logit": 1e9}, draws=2)
    curve = survival_by_arm(everybody, [1.0])
    expected = np.exp(-((1.0 / np.exp(0.3)) ** np.exp(0.2)) * np.exp(-1.0))
    np.testing.assert_allclose(curve["survival_q50"], expected, rtol=1e-6)
    estimates = individual_estimates(everybody)
    own = estimates.filter(pl.col("durable_probability") > 0.999)
    assert len(own) > len(estimates) / 2, "effects are drawn without regard to sizes, which some then contradict"
    assert own["growth_per_year_median"].to_list() == [0.0] * len(own)
    assert np.isposinf(own["time_to_growth_year_median"].to_numpy()).all()
    sizes = individual_curves(everybody, own["patient"].to_list(), [0.0, 1.0, 5.0]).sizes
    assert (sizes.sort("patient", "time_year").group_by("patient", maintain_order=True).agg(
        (pl.col("size_mm_q50").diff() <= 0).drop_nulls().all()
    )["size_mm_q50"]).all()  # fmt: skip
    nobody = make_fit(model, cohort, {**theta, "durable.logit": -1e9}, draws=2)
    without = compose(links=["log-growth"])
    plain = make_fit(without, cohort, TRUTH, draws=2)
    # one column of points more decides on the class, so that points differ: the error of their mean is about 0.003
    np.testing.assert_allclose(
        survival_by_arm(nobody, [1.0])["survival_q50"], survival_by_arm(plain, [1.0])["survival_q50"], atol=0.02
    )
    rows = clinical_parameters(everybody).filter(pl.col("quantity").str.contains("durable"))
    assert rows["part"].to_list() == ["hazard", "durable response"]
    assert rows["median"].to_list() == pytest.approx([np.exp(-1.0), 100.0])


def test_a_prediction_without_the_class_is_refused() -> None:
    with pytest.raises(ModelError, match="no class of durable responders"):
        durable_probability(make_fit(compose(links=["log-growth"]), trial(compose(), _plain(), FEW, 4), TRUTH))


def _plain() -> dict[str, Any]:
    return {name: value for name, value in TRUTH.items() if "link" not in name}


def test_short_follow_up_gives_cautions_and_long_follow_up_none() -> None:
    """The same patients: followed for 150 days tumours still begin to grow at the end, for 12 years none does."""
    model = compose(hazard=None, durable=True)
    truth = {name: value for name, value in DURABLE.items() if not name.startswith("death") and name != "durable.beta"}
    short = VisitPlan(visit_day=(-7.0, 50.0, 100.0, 150.0), cutoff_day=151.0)
    far = VisitPlan(visit_day=(-7.0, *(84.0 * k for k in range(1, 52))), cutoff_day=4300.0)
    (caution,) = follow_up_cautions(model, model.bind(trial(model, truth, short, 40)))
    assert "follow-up for growth does not reach a plateau" in caution
    seen = model.bind(trial(model, truth, far, 40))
    assert follow_up_cautions(model, seen) == ()
    assert follow_up_plateaus(model, seen)["growth"].last_event < 0.8 * 4284 / 365.25
    assert follow_up_cautions(compose(hazard=None), seen) == ()


def test_the_marker_modifies_the_odds_of_a_durable_response() -> None:
    """One draw of known parameters: the arm's odds ratio is exp(1.5) at the centre and exp(1.5 + 1.2) one step on."""
    model, cohort = marker_trial(5, 3)
    theta = {**DURABLE, "durable.logit": -2.0, "durable.beta": [1.5, 0.0, 1.2]}
    found = effect_modifiers(make_fit(model, cohort, theta))
    assert set(found["quantity"]) == {"ratio of the odds of a durable response"}
    assert found["effect_q50"].to_list() == pytest.approx([np.exp(1.5), np.exp(2.7)])


def marker_trial(count: int, seed: int) -> tuple[JointModel, Cohort]:
    """Return a trial in which the marker raises the odds of a durable response under the new treatment alone."""
    model = compose(links=["log-growth"], durable=["arm", "pdl1", "arm:pdl1"])
    patients = patients_in_arms({"control": count, "new": count}, "S")
    marker = np.random.default_rng(seed).normal(size=len(patients))
    patients = patients.with_columns(pl.Series("pdl1", marker - marker.mean()))
    truth = {**DURABLE, "durable.logit": -2.0, "durable.beta": [1.5, 0.0, 1.2]}
    return model, model.simulate(truth, patients, LONG, seed=seed)


@pytest.mark.slow
def test_fraction_and_interaction_are_recovered_by_maximum_likelihood() -> None:
    """400 patients, followed for up to 5 years: every parameter of the class within 3 standard errors, the interaction
    at least 2 from 0; about 15 minutes on 2 busy cores.
    """
    model, cohort = marker_trial(200, 11)
    found = estimate(model, cohort)
    table = {name: (value, se) for name, value, se in found.table.select("parameter", "estimate", "se").iter_rows()}
    truth = {
        "durable.logit": -2.0, "durable.beta[arm=new]": 1.5, "durable.beta[pdl1]": 0.0,
        "durable.beta[arm=new:pdl1]": 1.2, "death.durable": -1.0, "death.link[log-growth]": 0.8,
        "log_growth_per_year.sd": 0.6,
    }  # fmt: skip
    for name, value in truth.items():
        assert abs(table[name][0] - value) < 3.0 * table[name][1], name
    estimate_, se = table["durable.beta[arm=new:pdl1]"]
    assert estimate_ > 2.0 * se


@pytest.mark.slow
def test_marginal_draws_agree_with_joint_ones() -> None:
    """60 patients: both converge, means of all population parameters within 5 Monte Carlo errors, and probabilities of
    patients to be durable within 0.1; about 10 minutes.
    """
    model = compose(links=["log-growth"], durable=["arm"])
    cohort = trial(model, DURABLE, LONG, 30)
    one = fit(model, cohort, engine="marginal", chains=2, draws=1000, check=False)
    other = fit(model, cohort, engine="nuts", chains=2, draws=4000, check=False)
    assert one.provenance["integrals"]["word"] != "use NUTS"
    assert other.diagnostics.converged, other.diagnostics.verdict
    both = one.summary().join(other.summary(), on="parameter", suffix="_nuts")
    error = np.hypot(both["mcse_mean"], both["mcse_mean_nuts"])
    away = dict(zip(both["parameter"], np.abs(both["mean"] - both["mean_nuts"]).to_numpy() / error, strict=True))
    assert max(away.values()) < 5.0, away
    difference = durable_probability(one, draws=2000)["after"] - durable_probability(other, draws=8000)["after"]
    assert np.max(np.abs(difference.to_numpy())) < 0.1


@pytest.mark.slow
def test_probabilities_of_patients_are_calibrated() -> None:
    """300 patients, a third of them durable, true population parameters: of the patients who get a probability between
    two values, as many are durable as it says, within 4 binomial errors; about 5 minutes.
    """
    from metachron.inference.marginal.by_patient import integrate_patients

    model, cohort, truly = mixed_trial(100)
    theta = {name: value for name, value in DURABLE.items() if name != "durable.beta"}
    theta["durable.logit"] = float(np.log(0.5))
    known = make_fit(model, cohort, theta)
    vector = np.asarray(_vector(known))
    assert model.sites(known.dims)[-1].name == "durable.logit"
    vectors = np.stack([vector, vector])
    vectors[:, -1] = 800.0, -800.0
    both = integrate_patients(model, model.bind(cohort), np.stack([vector, *vectors]), seed=1)(vectors, nodes=1)
    probability = expit(np.log(0.5) + both.log_likelihood[0] - both.log_likelihood[1])
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        own = (probability >= low) & (probability <= high)
        p, n = probability[own].mean(), own.sum()
        assert n > 5
        assert abs(truly[own].mean() - p) < 4.0 * np.sqrt(p * (1.0 - p) / n) + 0.02
