"""How far effects are centred: shares of variance from a model with a closed form, and bounds on a small cohort."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from joint.small_cohort import small_cohort
from metachron.inference.centring import centre, shares_of
from metachron.inference.target import JointDensity, joint_target
from metachron.joint import compose


def test_shares_are_those_of_a_normal_model() -> None:
    """Items with effects N(0, diag(0.49, 4)) and normal data of precision 1 to 50 on each: share = 1 - 1/(1 + i v)."""
    rng = np.random.default_rng(1)
    variance, items = np.array([0.49, 4.0]), 4000
    precision = rng.uniform(1.0, 50.0, (items, 2))
    truth = rng.normal(size=(items, 2)) * np.sqrt(variance)
    data = truth + rng.normal(size=(items, 2)) / np.sqrt(precision)
    information = precision[:, :, None] * np.eye(2)
    overstated = np.array([2.0, 3.0])
    at_maximum = precision * data / (precision + 1.0 / overstated**2)
    shares, found = shares_of(information, at_maximum, overstated)
    np.testing.assert_allclose(found, variance, rtol=0.06)
    np.testing.assert_allclose(shares, 1.0 - 1.0 / (1.0 + precision * variance), atol=0.02)


def test_who_has_no_sizes_is_not_centred() -> None:
    binding = compose(size="lesion").bind(small_cohort(by_lesion=True))
    shares = centre(compose(size="lesion"), binding).shares
    names = binding.labels.patients
    patient, lesion = np.asarray(shares.patient), np.asarray(shares.lesion)
    assert not patient[names.index("P6")].any()
    assert not patient[len(names) :].any()
    assert not lesion[len(binding.labels.series) :].any()
    assert ((patient >= 0) & (patient <= 1)).all()
    assert 0.1 < lesion[: len(binding.labels.series), 0].mean() <= 1


@pytest.mark.parametrize("links", [["log-growth"], ["current-size"]])
def test_draws_come_back_as_standardised_vectors(links: list[str]) -> None:
    """The density in the new coordinates is that of the vector that comes back, times the volume of the map."""
    model = compose(links=links, size="lesion")
    binding = model.bind(small_cohort(by_lesion=True))
    target = joint_target(model, binding)
    assert target.standard is not None
    vector = target.start(jax.random.key(3))
    (back,) = np.asarray(target.standard(vector[None]))
    jacobian = jax.jacfwd(lambda x: target.standard(x[None])[0])(vector)  # type: ignore[misc]
    volume = float(np.linalg.slogdet(np.asarray(jacobian))[1])
    plain = float(JointDensity(model, binding.dims)(back, binding.design))
    assert float(target.density(vector, target.data)) == pytest.approx(plain + volume, rel=1e-9)
