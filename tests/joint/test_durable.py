"""The durable class: its density against an independent one, its limits, its files, its simulation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from joint.designs import prior_values
from joint.reference_density import Patient, event_term, read_patients, sizes_term
from joint.small_cohort import PATIENTS, small_cohort, small_tables
from metachron.base import IncompatiblePartsError, ModelError
from metachron.dynamics import LAWS, Trajectory, provides
from metachron.joint import LINKS, DurablePart, JointModel, Values, VisitPlan, compose
from metachron.joint.population import patient_parameters
from metachron.joint.vector import median_values, pack

GROWING = [name for name, law in LAWS.items() if law.vanishing_growth is not None]
EFFECTS = np.random.default_rng(5).normal(size=(8, 3))
MEAN_AGE = float(np.mean(PATIENTS["age_year"].to_numpy()))
THETA: dict[str, Any] = {
    "log_baseline_mm.mean": 3.9, "log_baseline_mm.sd": 0.6,
    "log_shrinkage_per_year.mean": [0.2, -0.3], "log_shrinkage_per_year.sd": 0.8,
    "log_growth_per_year.mean": [-0.9, -0.4], "log_growth_per_year.sd": 0.7,
    "residual.proportional": 0.18, "death.log_scale_year": 0.5, "death.log_shape": 0.25,
    "death.link[log-growth]": 0.7, "death.link[time-to-growth]": -0.6, "death.link[log-shrinkage]": 0.3,
    "death.link[effect:log_baseline_mm]": 0.2, "death.link[effect:log_shrinkage_per_year]": -0.1,
    "death.link[effect:log_growth_per_year]": 0.4, "death.link[log-current-size]": 0.15,
    "death.durable": -0.8, "durable.logit": -0.4, "durable.beta": [0.9, 0.05, -0.03],
}  # fmt: skip


def everything() -> JointModel:
    """Stein-Fojo and Weibull with every kind of link, and a treatment-by-marker effect on the class."""
    links = ["log-growth", "time-to-growth", "log-shrinkage", "shared-effects", "log-current-size"]
    return compose(links=links, durable=["arm", "age_year", "arm:age_year"])


def reference_term(patient: Patient, effects: np.ndarray) -> float:
    """Return log[(1 - p) L0 + p L1], in NumPy, from the formulas of docs/durable-response.md."""
    arm = ["A", "B"].index(str(patient.row["arm"]))
    age = float(str(patient.row["age_year"])) - MEAN_AGE
    p = expit(-0.4 + 0.9 * arm + 0.05 * age - 0.03 * arm * age)
    b = np.exp(3.9 + 0.6 * effects[0])
    s = np.exp([0.2, -0.3][arm] + 0.8 * effects[1])
    g = np.exp([-0.9, -0.4][arm] + 0.7 * effects[2])
    shared = 0.2 * 0.6 * effects[0] - 0.1 * 0.8 * effects[1] + 0.3 * np.log(s / 0.5)
    scale, shape = np.exp(0.5), np.exp(0.25)

    def likelihood(size: Any, links: float) -> float:
        def hazard(t: float) -> float:
            base = shape / scale * (t / scale) ** (shape - 1)
            return float(base * np.exp(links + shared + 0.15 * np.log(size(t) / 50.0)))

        return sizes_term(patient, size, lambda t: 0.18 * size(t), lambda y: y) + event_term(patient, hazard)

    starts = max(0.0, np.log(s / g)) / (s + g)
    grows = likelihood(
        lambda t: b * (np.exp(-s * t) + np.exp(g * t) - 1.0) if t >= 0 else b * np.exp(g * t),
        0.7 * np.log(g / 0.5) - 0.6 * min(starts, 5.0) + 0.4 * 0.7 * effects[2],
    )
    lasts = likelihood(lambda t: b * np.exp(-s * max(t, 0.0)), -0.6 * 5.0 - 0.8)
    return float(np.logaddexp(np.log(1.0 - p) + grows, np.log(p) + lasts))


def test_likelihood_is_that_of_an_independent_formula() -> None:
    """1e-8: quadrature of the hazard with a link that moves; everything else is closed."""
    model, cohort = everything(), small_cohort()
    binding = model.bind(cohort)
    assert set(THETA) == {site.name for site in model.sites(binding.dims)}
    theta = {name: jnp.asarray(value, dtype=float) for name, value in THETA.items()}
    values = Values(theta, jnp.asarray(EFFECTS), jnp.zeros((0, 0)))
    found = model.log_likelihood_by_patient(values, binding.design, binding.dims)
    patients = read_patients(small_tables(), cohort.limit_mm)
    expected = [reference_term(patient, EFFECTS[i]) for i, patient in enumerate(patients)]
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-7)
    np.testing.assert_array_equal(found[len(expected) :], 0.0)
    prior = model.log_density(pack(values, model, binding.dims), binding.design, binding.dims) - sum(expected)
    again = dataclasses.replace(model, durable=dataclasses.replace(model.durable, logit_prior=_moved()))
    moved = again.log_density(pack(values, model, binding.dims), binding.design, binding.dims) - sum(expected)
    np.testing.assert_allclose(moved - prior, 0.5 * ((-0.4 + 1.5) / 1.5) ** 2, atol=1e-9)


def _moved():
    part = DurablePart()
    return dataclasses.replace(part.logit_prior, args=(-0.4, part.logit_prior.args[1]))


@pytest.mark.parametrize("size", ["sum", "lesion"])
@pytest.mark.parametrize("links", [("log-growth", "slope"), ("time-to-growth", "shared-effects")], ids=str)
def test_without_anybody_durable_it_is_the_model_without_the_class(size: str, links: tuple[str, ...]) -> None:
    """P = exp(-800), 0 in 64 bits; the order of the sums may differ by rounding, 1e-12."""
    cohort = small_cohort(by_lesion=size == "lesion")
    with_class, without = (compose(links=links, size=size, durable=own) for own in (True, False))
    one, other = with_class.bind(cohort), without.bind(cohort)
    values = prior_values(without, other, 3)
    known = values._replace(
        theta={**values.theta, "durable.logit": jnp.asarray(-800.0), "death.durable": jnp.asarray(1.3)}
    )
    found = with_class.log_likelihood_by_patient(known, one.design, one.dims)
    expected = without.log_likelihood_by_patient(values, other.design, other.dims)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", list(LAWS))
def test_every_law_with_growth_and_every_link(name: str) -> None:
    """All links at once: value and gradient are finite near the prior medians. Laws without growth refuse."""
    law = LAWS[name]
    if law.vanishing_growth is None:
        with pytest.raises(IncompatiblePartsError, match="no growth that could vanish"):
            compose(dynamics=name, durable=True)
        return
    assert law.vanishing_growth[0] in {spec.name for spec in law.parameters}
    effects = ("log_growth_per_year", "other")
    linked = [link_name for link_name, link in LINKS.items() if link.needs <= provides(law) | {"effects"}]
    assert len(linked) >= 7
    for link in (LINKS[link_name]() for link_name in linked):
        assert len(link.without_growth(effects, effects[0])) == len(link.coefficients(effects))
    model = compose(dynamics=name, links=linked, durable=["arm"])
    binding = model.bind(small_cohort())
    start = pack(median_values(model, binding.dims), model, binding.dims)
    vector = start + 0.1 * np.random.default_rng(1).uniform(-1.0, 1.0, start.shape)
    value, gradient = jax.value_and_grad(lambda x: model.log_density(x, binding.design, binding.dims))(vector)
    assert np.isfinite(value)
    assert np.isfinite(np.asarray(gradient)).all()


@pytest.mark.parametrize("name", GROWING)
def test_without_growth_the_treatment_alone_acts(name: str) -> None:
    """Closed forms of what is left of each law; 1e-9 where the size is above a ten-millionth of the baseline."""
    law, t = LAWS[name], np.array([-0.05, 0.0, 0.3, 2.0, 10.0])
    psi = {spec.name: jnp.asarray(value) for spec, value in zip(law.parameters, (4.0, 0.4, -0.3, 0.2), strict=False)}
    growth, none = law.vanishing_growth or ("", 0.0)
    on = np.maximum(t, 0.0)
    s = np.exp(float(psi.get("shrinkage_per_year", 0.0)))
    expected = {
        "stein-fojo": lambda: -s * on,
        "wang": lambda: -s * on,
        "gsf": lambda: np.log(expit(0.2) + (1.0 - expit(0.2)) * np.exp(-s * on)),
        "claret-bruno": lambda: -np.exp(-0.3) / np.exp(0.2) * (1.0 - np.exp(-np.exp(0.2) * on)),
        "gompertz": lambda: -np.exp(0.2) * on,
    }[name]()
    tumour = Trajectory(law, {**psi, growth: jnp.asarray(none)})
    near = expected > np.log(1e-7)
    assert near.sum() >= 4
    np.testing.assert_allclose(np.asarray(tumour.location(t) - 4.0)[near], expected[near], atol=1e-5)
    np.testing.assert_allclose(np.asarray(tumour.size_mm(t))[near], np.exp(4.0 + expected[near]), rtol=1e-5)
    assert np.isfinite(
        np.asarray(Trajectory(law, {**psi, growth: jnp.asarray(none)}).location(np.array([900.0])))
    ).all()
    assert not np.isfinite(float(tumour.progression_year(50.0)))


@pytest.mark.parametrize("durable", [True, ["arm"], ["arm", "age_year", "arm:age_year"]], ids=str)
def test_model_file_goes_there_and_back(durable: Any) -> None:
    model = compose(durable=durable, links=["log-growth"])
    text = model.to_toml()
    assert JointModel.from_toml(text) == model
    assert JointModel.from_toml(text).to_toml() == text
    assert "durable" in model.describe()
    assert hash(JointModel.from_toml(text)) == hash(model)


def test_a_short_model_file_takes_the_defaults() -> None:
    text = '[dynamics]\nlaw = "gsf"\n[durable]\ncovariates = ["arm"]\nlogit_prior = { normal = [0.0, 1.0] }\n'
    part = JointModel.from_toml(text).durable
    assert part is not None
    assert part.covariates == ("arm",)
    assert part.logit_prior.args == (0.0, 1.0)
    assert part.beta_prior == DurablePart().beta_prior


WRONG = {
    "no dynamics": (lambda: compose(dynamics=None, durable=True), "no tumour dynamics"),
    "interaction alone": (lambda: compose(durable=["arm:age_year"]), "interaction 'arm:age_year' needs the effect"),
    "a text": (lambda: compose(durable="arm"), r"write \['arm'\]"),
    "no such key": (lambda: JointModel.from_toml('[dynamics]\nlaw = "gsf"\n[durable]\nlink = 1\n'), "durable.link"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_what_does_not_fit_together_is_refused(what: str) -> None:
    build, message = WRONG[what]
    with pytest.raises(ModelError, match=message):
        build()


def test_nobody_is_taken_to_grow_silently() -> None:
    """A computation that does not say who is durable is refused, not made for the class with growth."""
    model = compose(durable=True)
    binding = model.bind(small_cohort())
    with pytest.raises(ModelError, match="who belongs to it has to be given"):
        patient_parameters(model, median_values(model, binding.dims), binding.design)


def _trial(parameters: Mapping[str, Any], *, count: int = 4000, size: str = "sum", hazard: str | None = "weibull"):
    model = compose(hazard=hazard, durable=["arm"], size=size)
    patients = pl.DataFrame(
        {"patient": [f"P{i}" for i in range(count)], "study": "S", "arm": ["A", "B"] * (count // 2)}
    )
    plan = VisitPlan(visit_day=(0.0, 1000.0, 2000.0), cutoff_day=2001.0)
    return model, model.simulate(parameters, patients, plan, seed=4)


def test_simulated_patients_of_the_class_do_not_grow() -> None:
    """The share with a smaller size at the last visit is that of the class, by arm, within 4 binomial errors."""
    truth = {
        "log_baseline_mm.mean": 4.0, "log_baseline_mm.sd": 0.3, "log_shrinkage_per_year.mean": -1.0,
        "log_shrinkage_per_year.sd": 0.1, "log_growth_per_year.mean": 0.0, "log_growth_per_year.sd": 0.1,
        "residual.proportional": 0.05, "durable.logit": -1.0, "durable.beta": 1.2,
    }  # fmt: skip
    _, cohort = _trial(truth, hazard=None)
    sizes = cohort.measurements.join(cohort.patients, on="patient").sort("patient", "day")
    by = sizes.group_by("patient", "arm").agg(pl.col("size_mm").first().alias("first"), pl.col("size_mm").last())
    for arm, p in (("A", expit(-1.0)), ("B", expit(0.2))):
        smaller = by.filter(pl.col("arm") == arm).select((pl.col("size_mm") < pl.col("first")).mean()).item()
        assert smaller == pytest.approx(p, abs=4.0 * np.sqrt(p * (1.0 - p) / 2000))


def test_simulated_times_of_death_follow_both_classes() -> None:
    """No link: survival at 1 year is (1 - p) S(1) + p S(1)^exp(coefficient), within 4 binomial errors."""
    truth = {
        "log_baseline_mm.mean": 4.0, "log_baseline_mm.sd": 0.3, "log_shrinkage_per_year.mean": 0.0,
        "log_shrinkage_per_year.sd": 0.1, "log_growth_per_year.mean": 0.0, "log_growth_per_year.sd": 0.1,
        "residual.proportional": 0.05, "durable.logit": -1.0, "durable.beta": 1.2, "death.durable": -2.0,
        "death.log_scale_year": 0.0, "death.log_shape": 0.0,
    }  # fmt: skip
    _, cohort = _trial(truth)
    alive = cohort.patients.join(cohort.events.filter(pl.col("day_upper") <= 365.25), on="patient", how="anti")
    for arm, p in (("A", expit(-1.0)), ("B", expit(0.2))):
        expected = (1.0 - p) * np.exp(-1.0) + p * np.exp(-np.exp(-2.0))
        share = alive.filter(pl.col("arm") == arm).height / 2000
        assert share == pytest.approx(expected, abs=4.0 * np.sqrt(expected * (1.0 - expected) / 2000))


def test_new_lesions_have_a_coefficient_of_the_class_too() -> None:
    """A constant rate on the gap clock: with the coefficient c the log likelihood of the class gains
    n c - (exp(c) - 1) rate x time at risk, from the tables alone; the other class does not change.
    """
    model = compose(hazard=None, durable=True, new_lesions="exponential", clock="gap")
    patients = pl.DataFrame({"patient": [f"P{i:02d}" for i in range(40)], "study": "S", "arm": "A"})
    truth = {
        "log_baseline_mm.mean": 4.0, "log_baseline_mm.sd": 0.3, "log_shrinkage_per_year.mean": 0.0,
        "log_shrinkage_per_year.sd": 0.1, "log_growth_per_year.mean": 0.0, "log_growth_per_year.sd": 0.1,
        "residual.proportional": 0.05, "durable.logit": 0.0, "new_lesion.durable": -1.5,
        "new_lesion.log_scale_year": -0.5, "new_lesion_frailty.sd": 0.0,
    }  # fmt: skip
    plan = VisitPlan(visit_day=(0.0, 100.0, 300.0, 700.0), cutoff_day=701.0)
    cohort = model.simulate(truth, patients, plan, seed=3)
    binding = model.bind(cohort)
    assert {site.name for site in model.sites(binding.dims)} == set(truth)
    values = median_values(model, binding.dims)
    rate = float(np.exp(-values.theta["new_lesion.log_scale_year"]))

    def at(c: float) -> np.ndarray:
        moved = values._replace(theta={**values.theta, "new_lesion.durable": jnp.asarray(c)})
        return np.asarray(model.log_likelihood_by_class(moved, binding.design, binding.dims))[:, :40]

    found = cohort.events.filter(pl.col("kind") == "new_lesion").group_by("patient").len()
    risk = cohort.followup.filter(pl.col("kind") == "new_lesion").join(found, on="patient", how="left").sort("patient")
    years = (risk["last_day"] - risk["entry_day"]).to_numpy() / 365.25
    gained = risk["len"].fill_null(0).to_numpy() * -0.7 - np.expm1(-0.7) * rate * years
    assert found.height > 10
    np.testing.assert_allclose(at(-0.7)[1] - at(0.0)[1], gained, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(at(-0.7)[0], at(0.0)[0])
