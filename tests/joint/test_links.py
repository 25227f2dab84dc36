"""Links: each value from its definition, and a unit in which its coefficient can be read."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from metachron.base import ModelError
from metachron.cohort.schema import ORGANS
from metachron.dynamics import LAWS, Trajectory
from metachron.joint import LINKS
from metachron.joint.lesion_table import Lesions
from metachron.joint.links import CurrentSize, LogCurrentSize, LogGrowth, PatientState, TimeToGrowth
from metachron.joint.priors import check_prior

B, S, G, PHI = np.array([60.0, 25.0]), np.array([1.2, 0.3]), np.array([0.4, 0.9]), np.array([0.3, 0.2])
TIMES = np.array([0.2, 1.0, 2.5])


def size(i: int, time: float) -> float:
    return B[i] * ((1 - PHI[i]) * np.exp(-S[i] * time) + PHI[i] * np.exp(G[i] * time))


def turn(i: int) -> float:
    return max(np.log(S[i] * (1 - PHI[i]) / (G[i] * PHI[i])) / (S[i] + G[i]), 0.0)


def slope(i: int, time: float) -> float:
    return B[i] * (-S[i] * (1 - PHI[i]) * np.exp(-S[i] * time) + G[i] * PHI[i] * np.exp(G[i] * time))


LESIONS = np.array([[12.0, 30.0, 7.0], [4.0, 9.0, 0.0]])
"""Baselines of the lesions of each patient, in liver, lung and liver; they grow as the patient's other parameters say.
The second patient has two."""
SEEN = np.array([[0.5, 1.5], [1.0, np.inf]])


def lesion(i: int, k: int, time: float) -> float:
    return LESIONS[i, k] / B[i] * size(i, time)


EXPECTED = {
    "log-growth": lambda i, t: np.log(G[i] / 0.5),
    "log-shrinkage": lambda i, t: np.log(S[i] / 0.5),
    "time-to-growth": lambda i, t: min(turn(i), 5.0),
    "resistant-fraction": lambda i, t: np.log(PHI[i] / (1 - PHI[i])),
    "log-current-size": lambda i, t: np.log(size(i, t) / 50.0),
    "current-value": lambda i, t: np.log(size(i, t)),
    "current-size": size,
    "slope": slope,
    "relative-change": lambda i, t: size(i, t) / B[i] - 1.0,
    "area": lambda i, t: quad(lambda u: size(i, u), 0.0, t)[0],
    "shared-effects": lambda i, t: [0.7, -0.4][i],
    "new-lesion-frailty": lambda i, t: [0.3, -0.2][i],
    "lesion-sum": lambda i, t: np.log((sum(lesion(i, k, t) for k in range(3)) + 1e-6) / 50.0),
    "largest-lesion": lambda i, t: np.log((max(lesion(i, k, t) for k in range(3)) + 1e-6) / 20.0),
    "organ-burden": lambda i, t: lesion(i, 0, t) + lesion(i, 2, t),
    "organs-involved": lambda i, t: sum(s / (s + 5.0) for s in (lesion(i, 0, t) + lesion(i, 2, t), lesion(i, 1, t))),
    "new-lesion-count": lambda i, t: np.sum(t > SEEN[i]),
}


@pytest.fixture
def state() -> PatientState:
    """Two patients under generalised Stein-Fojo; the effect of one parameter is shared."""
    law = LAWS["gsf"]
    psi = law.psi(baseline_mm=B, shrinkage_per_year=S, growth_per_year=G, resistant_fraction=PHI)
    effects = {"log_growth_per_year": jnp.asarray([[0.7], [-0.4]])}
    frailty = jnp.asarray([[0.3], [-0.2]])
    each = {name: np.repeat(value[:, None], 3, axis=1) for name, value in psi.items()}
    each["baseline_mm"] = np.log(np.where(LESIONS > 0, LESIONS, 50.0))
    site = jnp.asarray([[ORGANS.index(name) for name in ("liver", "lung", "liver")]] * 2)
    lesions = Lesions({name: jnp.asarray(value) for name, value in each.items()}, site, jnp.asarray(LESIONS > 0, float))
    tumour = Trajectory(law, {name: value[:, None] for name, value in psi.items()})
    return PatientState(tumour, effects, frailty, lesions, jnp.asarray(SEEN))


def test_every_link_is_tested_here() -> None:
    assert set(EXPECTED) == set(LINKS)


@pytest.mark.parametrize("name", list(LINKS))
def test_values_follow_the_definition(name: str, state: PatientState) -> None:
    """A constant link gives one value per patient; a moving one, one per patient and time."""
    link = LINKS[name]()
    times = jnp.broadcast_to(jnp.asarray(TIMES), (2, 3))
    (value,) = link.values(state, times)
    assert value.shape == ((2, 1) if link.constant else (2, 3))
    expected = [[EXPECTED[name](i, t) for t in TIMES] for i in range(2)]
    np.testing.assert_allclose(np.broadcast_to(value, (2, 3)), expected, rtol=1e-7)


@pytest.mark.parametrize("name", list(LINKS))
def test_every_link_says_how_its_coefficient_reads(name: str) -> None:
    kind = LINKS[name]
    assert kind.name == name
    assert kind.unit
    assert kind.meaning
    assert kind.prior.reason
    check_prior(kind.prior, name)
    step, words = kind.clinical_step
    assert step > 0
    assert words
    assert hash(kind()) == hash(kind())


def test_shared_effects_have_one_coefficient_per_random_parameter(state: PatientState) -> None:
    link = LINKS["shared-effects"]()
    names = ("log_baseline_mm", "log_growth_per_year")
    assert link.coefficients(names) == ("effect:log_baseline_mm", "effect:log_growth_per_year")
    assert LINKS["slope"]().coefficients(names) == ("slope",)


def test_options_of_links_move_reference_and_cap(state: PatientState) -> None:
    times = jnp.full((2, 1), 2.0)
    (growth,) = LogGrowth(reference_per_year=0.8).values(state, times)
    np.testing.assert_allclose(growth[:, 0], np.log(G / 0.8), rtol=1e-12)
    (capped,) = TimeToGrowth(cap_year=0.1).values(state, times)
    np.testing.assert_allclose(capped[:, 0], [min(turn(i), 0.1) for i in range(2)], rtol=1e-12)
    (logarithm,) = LogCurrentSize(reference_mm=10.0).values(state, times)
    (current,) = CurrentSize().values(state, times)
    np.testing.assert_allclose(logarithm, np.log(current / 10.0), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_options_are_refused(value: float) -> None:
    with pytest.raises(ModelError, match="link 'log-growth': reference_per_year must be above 0 and finite"):
        LogGrowth(reference_per_year=value)
