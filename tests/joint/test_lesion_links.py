"""Links to all lesions of a patient, and to the number of new ones: against SciPy, closed forms and the sum model."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.special import log_softmax
from scipy.stats import kstest

from joint.new_lesions_by_hand import new_lesion_log_likelihood_by_hand
from joint.small_cohort import small_cohort
from metachron.base import DAYS_PER_YEAR, IncompatiblePartsError, ModelError
from metachron.cohort import Cohort
from metachron.joint import JointModel, VisitPlan, compose, patients_in_arms
from metachron.joint.given_parameters import read_parameters
from metachron.joint.likelihood import event_log_likelihood
from metachron.joint.links import OrganBurden
from metachron.joint.new_lesions import expected_new_lesions, new_lesion_log_likelihood
from metachron.joint.population import patient_parameters
from metachron.joint.simulate import draw_effects
from metachron.joint.sites import list_sites
from metachron.joint.vector import population_size, unpack_population

TWO = (("a", "liver"), ("b", "lung"))
LESION_LINKS = ("lesion-sum", "largest-lesion", "organ-burden", "organs-involved")


def measured_cohort() -> Cohort:
    """Return the patients who have sizes, with two lesions each."""
    whole = small_cohort(by_lesion=True)
    return whole.select([patient for patient in whole.patient_ids if patient != "P6"])


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    """Two lesions per patient, one in the liver and one in the lung."""
    whole = measured_cohort()
    organ = pl.when(pl.col("lesion") == "a").then(pl.lit("liver")).otherwise(pl.lit("lung"))
    return whole.with_rows({"lesions": whole.lesions.with_columns(organ.alias("organ"))})


def size_mm(parameters: dict[str, Any], series: int, time: float) -> float:
    """Return the size of a lesion by Stein-Fojo."""
    b, s, g = (
        float(np.exp(parameters[name][series])) for name in ("baseline_mm", "shrinkage_per_year", "growth_per_year")
    )
    return b * (np.exp(-s * time) + np.exp(g * time) - 1.0)


def value(link: str, sizes: list[float]) -> float:
    """Return a link's value at the sizes of the lesions in the liver and in the lung."""
    if link == "lesion-sum":
        return float(np.log(sum(sizes) / 50.0))
    if link == "largest-lesion":
        return float(np.log(max(sizes) / 20.0))
    return sizes[0] if link == "organ-burden" else sum(size / (size + 5.0) for size in sizes)


@pytest.mark.parametrize("link", LESION_LINKS)
def test_the_likelihood_of_death_is_that_of_scipy(cohort: Cohort, link: str) -> None:
    model = compose(dynamics="stein-fojo", hazard="weibull", links=[link], size="lesion")
    binding = model.bind(cohort)
    vector = 0.3 * jax.random.normal(jax.random.key(2), (population_size(model, binding.dims),))
    values = draw_effects(model, binding.dims, unpack_population(vector, model, binding.dims)[0], jax.random.key(3))
    parameters = patient_parameters(model, values, binding.design)
    assert parameters is not None
    assert parameters.series is not None
    series = {name: np.asarray(array) for name, array in parameters.series.items()}
    theta = {name: np.asarray(array) for name, array in values.theta.items()}
    (name,) = [name for name in theta if name.startswith("death.link")]
    scale, shape, slope = (float(theta[key]) for key in ("death.log_scale_year", "death.log_shape", name))
    found = event_log_likelihood(model, values.theta, parameters, binding.design, binding.dims)
    events = binding.design.events
    assert events is not None
    own = {patient: [k for k, (p, _) in enumerate(binding.labels.series) if p == patient] for patient in ("P1", "P4")}
    for patient, lesions in own.items():
        row = binding.labels.patients.index(patient)
        end = float(events.lower_year[row])

        k, lam = np.exp(shape), np.exp(scale)

        def linked(time: float, lesions: list[int] = lesions) -> float:
            return slope * value(link, [size_mm(series, lesion, time) for lesion in lesions])

        def risen(u: float, k: float = k, lam: float = lam) -> float:
            return float(np.exp(linked(lam * u ** (1.0 / k))))

        expected = np.log(k / lam * (end / lam) ** (k - 1.0)) + linked(end) - quad(risen, 0.0, (end / lam) ** k)[0]
        assert float(found[row]) == pytest.approx(expected, rel=1e-4), patient


def test_with_one_lesion_the_sum_is_the_size() -> None:
    """The density equals that of the model of sums with the link log-current-size, to rounding."""
    whole = measured_cohort()
    one = whole.with_rows(
        {
            "lesions": whole.lesions.filter(pl.col("lesion") == "a"),
            "measurements": whole.measurements.filter(pl.col("lesion") == "a"),
        }
    )
    lesion = compose(dynamics="stein-fojo", links=["lesion-sum"], size="lesion")
    sums = compose(dynamics="stein-fojo", links=["log-current-size"])
    assert lesion.dynamics is not None
    plain = tuple(dataclasses.replace(p, lesion=False, organ="none") for p in lesion.dynamics.parameters)
    lesion = dataclasses.replace(lesion, dynamics=dataclasses.replace(lesion.dynamics, parameters=plain))
    found = []
    for model in (lesion, sums):
        binding = model.bind(one)
        size = population_size(model, binding.dims)
        vector = 0.2 * jax.random.normal(jax.random.key(1), (size + binding.dims.patients * len(model.random),))
        found.append(float(model.log_density(vector, binding.design, binding.dims)))
    assert found[0] == pytest.approx(found[1], rel=1e-7)


def test_the_count_of_new_lesions_is_a_step() -> None:
    """Exponential hazard times exp(a count): the likelihood is a sum over the stretches between lesions."""
    model = compose(dynamics=None, hazard="exponential", links=["new-lesion-count"])
    days = {"P1": [100.0, 100.0, 250.0], "P2": [], "P3": [400.0]}
    ends = {"P1": (500.0, True), "P2": (300.0, True), "P3": (400.0, True)}
    cohort = Cohort.create(
        "steps",
        {
            "patients": pl.DataFrame({"patient": list(days), "study": "S", "arm": "A"}),
            "events": pl.DataFrame(
                [(p, "new_lesion", day) for p, own in days.items() for day in own]
                + [(p, "death", end) for p, (end, died) in ends.items() if died],
                schema=["patient", "kind", "day_lower"], orient="row",
            ).with_columns(day_upper=pl.col("day_lower")),
            "followup": pl.DataFrame(
                [(p, kind, 0.0, end) for p, (end, _) in ends.items() for kind in ("death", "new_lesion")],
                schema=["patient", "kind", "entry_day", "last_day"], orient="row",
            ),
        },
    )  # fmt: skip
    binding = model.bind(cohort)
    theta = {"death.log_scale_year": jnp.asarray(0.4), "death.link[new-lesion-count]": jnp.asarray(0.7)}
    assert {site.name for site in list_sites(model, binding.dims)} == set(theta)
    values = draw_effects(model, binding.dims, theta, jax.random.key(1))
    parameters = patient_parameters(model, values, binding.design)
    found = np.asarray(event_log_likelihood(model, theta, parameters, binding.design, binding.dims))
    rate = np.exp(-0.4) / DAYS_PER_YEAR
    steps = np.exp(0.7 * np.arange(4))
    expected = [
        np.log(rate * DAYS_PER_YEAR * steps[3]) - rate * (100 * steps[0] + 150 * steps[2] + 250 * steps[3]),
        np.log(rate * DAYS_PER_YEAR) - rate * 300,
        np.log(rate * DAYS_PER_YEAR) - rate * 400,
    ]
    np.testing.assert_allclose(found[:3], expected, rtol=1e-6)


def test_deaths_follow_the_count_in_simulated_trials() -> None:
    """The cumulative hazard at death, computed by hand from the lesions found, is exponential with mean 1."""
    model = compose(
        dynamics=None, hazard="exponential", links=["new-lesion-count"], new_lesions="exponential", clock="gap"
    )
    truth = {
        "death.log_scale_year": -0.5, "death.link[new-lesion-count]": 0.5, "new_lesion.log_scale_year": -0.3,
        "new_lesion_frailty.sd": 0.5,
    }  # fmt: skip
    cohort = model.simulate(
        truth, patients_in_arms({"a": 400}), VisitPlan((0.0, 60.0), 2_500.0), seed=4, new_lesion_organs=("liver",)
    )
    events = cohort.events
    death = dict(events.filter(pl.col("kind") == "death").select("patient", "day_lower").iter_rows())
    found = events.filter(pl.col("kind") == "new_lesion").group_by("patient").agg(pl.col("day_lower").sort())
    days = dict(found.iter_rows())
    passed = []
    for patient, end in death.items():
        edges = np.array([0.0, *(day for day in days.get(patient, []) if day < end), end]) / DAYS_PER_YEAR
        passed.append(np.sum(np.diff(edges) * np.exp(0.5 + 0.5 * np.arange(len(edges) - 1))))
    assert len(passed) == 400
    assert kstest(passed, "expon").pvalue > 0.01


def test_links_to_lesions_need_lesions() -> None:
    with pytest.raises(IncompatiblePartsError, match="--size lesion"):
        compose(links=["lesion-sum"])


def test_the_count_needs_follow_up() -> None:
    with pytest.raises(ModelError, match="has none for 7 patients"):
        compose(links=["new-lesion-count"]).bind(small_cohort())


def test_patients_without_lesions_are_named() -> None:
    model = compose(links=["lesion-sum"], size="lesion")
    with pytest.raises(ModelError, match=r"1 patients of cohort .* have no usable size of a lesion .*\(P6\)"):
        model.bind(small_cohort(by_lesion=True))


def test_organs_must_be_known() -> None:
    with pytest.raises(ModelError, match="organs must be different ones of liver"):
        OrganBurden(("liver", "elbow"))
    assert OrganBurden(("liver", "bone")).coefficients(()) == ("organ-burden:liver", "organ-burden:bone")


def test_the_model_file_keeps_organs() -> None:
    model = compose(links=["organ-burden"], size="lesion")
    text = model.to_toml().replace('"liver"', '"liver", "brain"')
    again = JointModel.from_toml(text)
    assert again != model
    assert JointModel.from_toml(again.to_toml()) == again
    assert again.hazard is not None
    assert again.hazard.links[0].link == OrganBurden(("liver", "brain"))


def test_simulated_trials_have_the_links(cohort: Cohort) -> None:
    """Where lesions of the liver kill, patients with large ones die earlier."""
    model = compose(links=["organ-burden"], size="lesion")
    patients = patients_in_arms({"a": 200})
    lesions = pl.DataFrame(
        [(p, "1", "liver" if k % 2 else "lung", "target") for k, p in enumerate(patients["patient"])],
        schema=["patient", "lesion", "organ", "role"], orient="row",
    )  # fmt: skip
    truth: dict[str, Any] = {f"residual.{name}": 0.1 for name, _ in model.dynamics.residual_priors}  # type: ignore[union-attr]
    for name, mean in (("log_baseline_mm", 3.5), ("log_shrinkage_per_year", -0.5), ("log_growth_per_year", -1.0)):
        truth |= {f"{name}.mean": mean, f"{name}.sd": 0.3, f"{name}.lesion_sd": 0.3, f"{name}.organ_sd": 0.1}
        truth[f"{name}.organ"] = [0.0, 0.0]
    truth |= {"death.log_scale_year": 1.5, "death.log_shape": 0.2, "death.link[organ-burden:liver]": 0.05}
    found = model.simulate(truth, patients, VisitPlan((0.0, 60.0, 120.0), 1500.0), seed=1, lesions=lesions)
    died = found.events.filter(pl.col("kind") == "death").join(found.lesions, on="patient")
    by_organ = dict(died.group_by("organ_right").agg(pl.len()).iter_rows())
    assert by_organ["liver"] > 1.5 * by_organ["lung"]


@pytest.mark.parametrize(
    ("link", "clock", "timing"),
    [*((link, "calendar", "between-visits") for link in LESION_LINKS), ("lesion-sum", "gap", "as-recorded")],
)
def test_the_rate_of_new_lesions_follows_all_lesions(link: str, clock: str, timing: str) -> None:
    """The same links on new lesions: the likelihood is that of SciPy, and as many are drawn as it says.

    The integrals of the rate over the time at risk sum to as many lesions as were drawn, within 3.5 standard deviations
    of a Poisson number.
    """
    model = compose(
        dynamics="stein-fojo", hazard=None, size="lesion", new_lesions="weibull", new_lesion_links=[link], clock=clock
    )
    assert model.new_lesions is not None
    part = dataclasses.replace(model.new_lesions, timing=timing)
    model = dataclasses.replace(model, new_lesions=part)
    coefficient = {"organ-burden": 0.01}.get(link, 0.6)
    (name,) = part.hazard.links[0].link.coefficients(())
    people = patients_in_arms({"a": 40})
    lesions = pl.DataFrame(
        [(patient, lesion, organ, "target") for patient in people["patient"] for lesion, organ in TWO],
        schema=["patient", "lesion", "organ", "role"], orient="row",
    )  # fmt: skip
    truth: dict[str, Any] = {
        "log_baseline_mm.mean": 3.0, "log_baseline_mm.sd": 0.5, "log_shrinkage_per_year.mean": 0.3,
        "log_shrinkage_per_year.sd": 0.7, "log_growth_per_year.mean": -0.9, "log_growth_per_year.sd": 0.4,
        "residual.proportional": 0.12, "new_lesion.log_scale_year": -0.2, "new_lesion.log_shape": 0.2,
        "new_lesion_frailty.sd": 0.4, "new_lesion.organ": {"liver": 0.3, "lung": -0.3},
        f"new_lesion.link[{name}]": coefficient,
    }  # fmt: skip
    for label in ("log_baseline_mm", "log_shrinkage_per_year", "log_growth_per_year"):
        truth |= {f"{label}.lesion_sd": 0.2, f"{label}.organ_sd": 0.3, f"{label}.organ": {"liver": 0.2, "lung": -0.2}}
    plan = VisitPlan(tuple(56.0 * k for k in range(9)), 450.0)
    cohort = model.simulate(truth, people, plan, seed=6, lesions=lesions, new_lesion_organs=("liver", "lung"))
    binding = model.bind(cohort)
    theta = read_parameters(model, binding, truth)
    values = draw_effects(model, binding.dims, theta, jax.random.fold_in(jax.random.key(6), 0))
    parameters = patient_parameters(model, values, binding.design)
    assert parameters is not None
    assert parameters.series is not None
    series = {key: np.asarray(array) for key, array in parameters.series.items()}
    found = new_lesion_log_likelihood(model, theta, parameters, binding.design, binding.dims)
    share = dict(zip(("liver", "lung"), log_softmax([0.3, -0.3]), strict=True))
    for row, patient in enumerate(binding.labels.patients[:6]):
        own = [k for k, (owner, _) in enumerate(binding.labels.series) if owner == patient]
        frailty = float(parameters.effects["new_lesion_frailty"][row])

        def log_factor(time: float, own: list[int] = own, frailty: float = frailty) -> float:
            return frailty + coefficient * value(link, [size_mm(series, lesion, time) for lesion in own])

        expected = new_lesion_log_likelihood_by_hand(
            cohort, patient, clock, timing, log_factor, scale_year=np.exp(-0.2), shape=np.exp(0.2), log_share=share
        )
        assert float(found[row]) == pytest.approx(expected, rel=1e-4, abs=1e-4), patient
    rows = binding.design.stretches
    assert rows is not None
    expected_number = float(jnp.sum(expected_new_lesions(model, theta, parameters, binding.design) * rows.survived))
    seen = cohort.events.filter(pl.col("kind") == "new_lesion").height
    assert seen > 40
    assert abs(seen - expected_number) < 3.5 * np.sqrt(expected_number)
