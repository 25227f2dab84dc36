"""New lesions: the likelihood in closed form and by quadrature, simulation, and the model file."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.special import log_softmax

from joint.new_lesions_by_hand import new_lesion_log_likelihood_by_hand
from metachron.base import DAYS_PER_YEAR, IncompatiblePartsError, ModelError
from metachron.cohort import Cohort
from metachron.joint import JointModel, Values, VisitPlan, compose, patients_in_arms
from metachron.joint.new_lesions import expected_new_lesions, new_lesion_log_likelihood
from metachron.joint.population import patient_parameters
from metachron.joint.simulate import draw_effects
from metachron.joint.vector import draw_prior_values

SCALE, SHAPE, FRAILTY_SD, LINK = 0.8, 1.3, 0.7, 0.5
ORGANS = np.array([0.5, -0.2, -0.9])
PLAN = VisitPlan((0.0, 56.0, 112.0, 168.0, 224.0, 280.0), 540.0, dropout_per_year=0.2)
SIZES = {
    "log_baseline_mm.mean": 4.0, "log_baseline_mm.sd": 0.5, "log_shrinkage_per_year.mean": 0.3,
    "log_shrinkage_per_year.sd": 0.7, "log_growth_per_year.mean": -0.5, "log_growth_per_year.sd": 0.6,
    "residual.proportional": 0.12,
}  # fmt: skip
DEATH = {
    "death.log_scale_year": 0.3, "death.log_shape": 0.2, "death.link[log-growth]": 0.5,
    "death.link[new-lesion-frailty]": 0.6,
}  # fmt: skip
NEW = {
    "new_lesion.log_scale_year": np.log(SCALE), "new_lesion.log_shape": np.log(SHAPE),
    "new_lesion_frailty.sd": FRAILTY_SD, "new_lesion.organ": ORGANS,
}  # fmt: skip


def model_of(link: str, clock: str, timing: str) -> JointModel:
    model = compose(
        links=["log-growth", "new-lesion-frailty"], new_lesions="weibull", new_lesion_links=[link], clock=clock
    )
    assert model.new_lesions is not None
    return dataclasses.replace(model, new_lesions=dataclasses.replace(model.new_lesions, timing=timing))


def simulated(model: JointModel, link: str, patients: int, seed: int = 1) -> Cohort:
    truth = {**SIZES, **DEATH, **NEW, f"new_lesion.link[{link}]": LINK}
    return model.simulate(
        truth, patients_in_arms({"a": patients, "b": patients}), PLAN, seed=seed,
        new_lesion_organs=("bone", "liver", "lung"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "timing"), [("gap", "as-recorded"), ("calendar", "as-recorded"), ("calendar", "between-visits")]
)
@pytest.mark.parametrize("link", ["log-growth", "log-current-size"])
def test_likelihood_is_that_of_a_poisson_process(clock: str, timing: str, link: str) -> None:
    """Recomputed patient by patient from the tables: Weibull in closed form, by SciPy where the link moves."""
    model = model_of(link, clock, timing)
    cohort = simulated(model, link, 12)
    binding = model.bind(cohort)
    theta = {k: jnp.asarray(v, dtype=float) for k, v in {**SIZES, **DEATH, **NEW}.items()}
    theta[f"new_lesion.link[{link}]"] = jnp.asarray(LINK)
    for name in ("log_shrinkage_per_year.mean", "log_growth_per_year.mean"):
        theta[name] = jnp.full(2, theta[name])
    values = draw_effects(model, binding.dims, theta, jax.random.key(4))
    parameters = patient_parameters(model, values, binding.design)
    assert parameters is not None
    found = new_lesion_log_likelihood(model, theta, parameters, binding.design, binding.dims)
    for index, patient in enumerate(cohort.patients["patient"]):
        own = {name: float(value[index]) for name, value in parameters.psi.items()}
        frailty = float(parameters.effects["new_lesion_frailty"][index])
        expected = by_hand(cohort, patient, clock, timing, link, own, frailty)
        assert float(found[index]) == pytest.approx(expected, rel=2e-6, abs=1e-6), patient


def by_hand(
    cohort: Cohort, patient: str, clock: str, timing: str, link: str, psi: dict[str, float], frailty: float
) -> float:
    b, s, g = (np.exp(psi[name]) for name in ("baseline_mm", "shrinkage_per_year", "growth_per_year"))

    def log_factor(time: float) -> float:
        value = np.log(g / 0.5)
        if link == "log-current-size":
            value = np.log(b * (np.exp(-s * time) + np.exp(g * time) - 1.0) / 50.0)
        return frailty + LINK * value

    return new_lesion_log_likelihood_by_hand(
        cohort, patient, clock, timing, log_factor, scale_year=SCALE, shape=SHAPE,
        log_share=dict(zip(("bone", "liver", "lung"), log_softmax(ORGANS), strict=True)), moves=link != "log-growth",
    )  # fmt: skip


@pytest.mark.slow
def test_sixteen_nodes_are_enough_over_the_default_priors() -> None:
    """Against 120 nodes, for 40 draws from the prior, where 1e-8 to 50 lesions are expected: what `NEW_LESION_NODES`
    says of its error. About half a minute.
    """
    model = model_of("log-current-size", "calendar", "between-visits")
    assert model.new_lesions is not None
    binding = model.bind(simulated(model, "log-current-size", 40))
    many = dataclasses.replace(model.new_lesions, hazard=dataclasses.replace(model.new_lesions.hazard, nodes=120))
    finer = dataclasses.replace(model, new_lesions=many)
    at_risk, errors = np.asarray(binding.design.stretches.survived) > 0, []
    for seed in range(40):
        values = draw_prior_values(model, binding.dims, jax.random.key(seed))
        parameters = patient_parameters(model, values, binding.design)
        found, exact = (
            np.asarray(expected_new_lesions(one, values.theta, parameters, binding.design)) for one in (model, finer)
        )
        chosen = at_risk & (exact > 1e-8) & (exact < 50.0)
        errors.append(np.abs(found[chosen] / exact[chosen] - 1.0))
    together = np.concatenate(errors)
    assert np.quantile(together, 0.99) < 1e-5
    assert together.max() < 4e-3


def test_simulated_counts_are_those_expected() -> None:
    """Of 4,000 patients followed for a year without death or frailty: Poisson with mean (1 / scale)^shape, and the
    organs in their shares. Within 5 standard errors.
    """
    model = JointModel.from_toml(
        """
[dynamics]
law = "random-slope-log"
[new_lesions]
law = "weibull"
timing = "as-recorded"
frailty = false
"""
    )
    truth = {"baseline.mean": 3.5, "baseline.sd": 0.3, "slope_per_year.mean": 0.0, "slope_per_year.sd": 0.3,
             "residual.proportional": 0.1}  # fmt: skip
    truth = {**truth, **{k: v for k, v in NEW.items() if "frailty" not in k}}
    plan = VisitPlan((0.0,), DAYS_PER_YEAR)
    cohort = model.simulate(
        truth, patients_in_arms({"a": 4000}), plan, seed=3, new_lesion_organs=("bone", "liver", "lung")
    )
    new = cohort.events.filter(pl.col("kind") == "new_lesion")
    mean = (1.0 / SCALE) ** SHAPE
    assert len(new) / 4000 == pytest.approx(mean, abs=5 * np.sqrt(mean / 4000))
    counts = new.group_by("patient").len()["len"].to_numpy()
    none = np.exp(-mean)
    assert 1 - len(counts) / 4000 == pytest.approx(none, abs=5 * np.sqrt(none * (1 - none) / 4000))
    for organ, share in zip(("bone", "liver", "lung"), np.exp(log_softmax(ORGANS)), strict=True):
        seen = float((new["organ"] == organ).mean())
        assert seen == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / len(new)))
    before = float((new["day_upper"] < DAYS_PER_YEAR / 2).mean())
    assert before == pytest.approx(0.5**SHAPE, abs=5 * np.sqrt(0.25 / len(new)))


def test_in_gap_time_every_gap_is_weibull() -> None:
    """First gaps and later ones alike: the integral of the rate over a gap is unit exponential (censored at a year)."""
    model = model_of("log-growth", "gap", "as-recorded")
    truth = {**SIZES, **DEATH, **NEW, "new_lesion.link[log-growth]": 0.0, "new_lesion_frailty.sd": 1e-6}
    truth |= {"death.log_scale_year": 5.0, "death.link[new-lesion-frailty]": 0.0}
    plan = VisitPlan((0.0,), 3 * DAYS_PER_YEAR)
    patients = patients_in_arms({"a": 1000, "b": 1000})
    cohort = model.simulate(truth, patients, plan, seed=5, new_lesion_organs=("bone", "liver", "lung"))
    new = cohort.events.filter(pl.col("kind") == "new_lesion").sort("patient", "day_upper")
    gaps = new.with_columns(pl.col("day_upper").shift(1).over("patient").alias("before"))
    for rows in (gaps.filter(pl.col("before").is_null()), gaps.filter(pl.col("before") < DAYS_PER_YEAR)):
        gap = (rows["day_upper"] - rows["before"].fill_null(0.0)).to_numpy() / DAYS_PER_YEAR
        early = np.mean(gap < SCALE * np.log(2.0) ** (1 / SHAPE)) * len(gap)
        at_risk = 2000 if rows["before"].null_count() else gaps.filter(pl.col("day_upper") < DAYS_PER_YEAR).height
        assert early / at_risk == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / at_risk))


def test_lesions_are_seen_at_the_next_visit_and_after_the_last_never() -> None:
    model = model_of("log-growth", "calendar", "between-visits")
    cohort = simulated(model, "log-growth", 40)
    new = cohort.events.filter(pl.col("kind") == "new_lesion")
    days = {patient: set(rows["day"]) for (patient,), rows in cohort.visits.group_by("patient")}
    for patient, lower, upper in new.select("patient", "day_lower", "day_upper").iter_rows():
        assert {lower, upper} <= days[patient]
        assert not [day for day in days[patient] if lower < day < upper]


def test_patient_effects_end_with_a_frailty_that_is_independent() -> None:
    model = compose(covariance="full", links=["new-lesion-frailty"], new_lesions="exponential")
    cohort = simulated(model_of("log-growth", "gap", "as-recorded"), "log-growth", 12)
    binding = model.bind(cohort)
    names = [site.name for site in model.sites(binding.dims)]
    assert "new_lesion_frailty.sd" in names
    assert [parameter.name for parameter in model.random][-1] == "new_lesion_frailty"
    values = Values(
        {**{s.name: jnp.zeros(s.shape) for s in model.sites(binding.dims)}, "effects.correlation": jnp.eye(3)},
        jnp.ones((binding.dims.patients, 4)), jnp.zeros((0, 0)),
    )  # fmt: skip
    values.theta["new_lesion_frailty.sd"] = jnp.asarray(0.7)
    parameters = patient_parameters(model, values, binding.design)
    assert parameters is not None
    np.testing.assert_allclose(parameters.effects["new_lesion_frailty"][:24], 0.7)


@pytest.mark.parametrize("clock", ["gap", "calendar"])
def test_model_file_says_everything(clock: str) -> None:
    model = compose(
        links=["new-lesion-frailty"], new_lesions="weibull", new_lesion_links=["log-current-size"], clock=clock
    )
    again = JointModel.from_toml(model.to_toml())
    assert again == model
    assert again.to_toml() == model.to_toml()
    without = JointModel.from_toml("[new_lesions]\nlaw = 'weibull'\nfrailty = false\norgan = 'none'\n")
    assert without.frailty is None
    assert JointModel.from_toml(without.to_toml()) == without


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(IncompatiblePartsError, match="ties death to the frailty of the new-lesion process"):
        compose(links=["new-lesion-frailty"])
    with pytest.raises(IncompatiblePartsError, match="needs tumour dynamics"):
        compose(dynamics=None, new_lesions="weibull", new_lesion_links=["slope"])
    with pytest.raises(ModelError, match="gap time restarts at the visit of detection"):
        JointModel.from_toml("[new_lesions]\nlaw = 'weibull'\nclock = 'gap'\ntiming = 'between-visits'\n")
    with pytest.raises(ModelError, match="name one, such as new_lesions='weibull'"):
        compose(new_lesion_links=["slope"])


def test_an_organ_unknown_to_the_fit_is_refused_by_name() -> None:
    model = model_of("log-growth", "gap", "as-recorded")
    cohort = simulated(model, "log-growth", 12)
    labels = model.bind(cohort).labels
    moved = cohort.events.with_columns(pl.col("organ").replace({"lung": "brain"}))
    with pytest.raises(ModelError, match="has new lesions in brain; the fit knows bone, liver, lung"):
        model.bind(cohort.with_rows({**cohort.tables, "events": moved}), labels)
