"""The piecewise hazard by hand, and the M-spline hazard against scipy's B-splines."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BSpline

from metachron.base import ModelError
from metachron.hazards import MSpline, Piecewise

KNOTS = jnp.asarray([0.4, 0.9, 1.6, 3.0])


def test_piecewise_by_hand() -> None:
    hazard, psi = Piecewise(intervals=3), {"rate_per_year": jnp.log(jnp.asarray([0.5, 2.0, 0.1]))}
    knots = jnp.asarray([1.0, 1.5])
    times = jnp.asarray([0.0, 0.6, 1.0, 1.25, 1.5, 11.5])
    np.testing.assert_allclose(hazard.cumulative(times, psi, knots), [0.0, 0.3, 0.5, 1.0, 1.5, 2.5], rtol=1e-15)
    rates = jnp.exp(hazard.log_hazard(times[1:], psi, knots))
    np.testing.assert_allclose(rates, [0.5, 0.5, 2.0, 2.0, 0.1], rtol=1e-15)


@pytest.mark.parametrize(("basis", "degree"), [(7, 3), (6, 2), (5, 1)])
def test_spline_hazard_against_scipy(basis: int, degree: int) -> None:
    """Weights from the definition; M-splines as scipy's B-splines scaled to integrate to 1."""
    generator = np.random.default_rng(3)
    hazard = MSpline(basis=basis, degree=degree)
    psi = {
        "rate_per_year": jnp.log(0.8),
        "smoothing": jnp.asarray(0.9),
        "increment": jnp.asarray(generator.normal(size=basis - 1)),
    }
    knots = np.concatenate([np.zeros(degree + 1), KNOTS[:-1], np.full(degree + 1, KNOTS[-1])])
    spans = knots[degree + 1 :] - knots[: -degree - 1]
    shares = np.asarray([knots[j + degree] - knots[j] for j in range(1, basis)]) / (degree * 3.0)
    assert shares.sum() == pytest.approx(1.0)
    walk = np.concatenate([[0.0], np.cumsum(0.9 * np.sqrt(shares) * psi["increment"])])
    weights = spans / spans.sum() * np.exp(walk)
    weights /= weights.sum()
    scaled = weights * (degree + 1) / spans
    times = np.linspace(0.01, 3.0, 50)
    expected = 0.8 * 3.0 * BSpline(knots, scaled, degree)(times)
    np.testing.assert_allclose(jnp.exp(hazard.log_hazard(jnp.asarray(times), psi, KNOTS)), expected, rtol=1e-12)
    integral = BSpline(knots, scaled, degree).antiderivative()(times) * 0.8 * 3.0
    np.testing.assert_allclose(hazard.cumulative(jnp.asarray(times), psi, KNOTS), integral, rtol=1e-12)
    assert float(hazard.cumulative(KNOTS[-1], psi, KNOTS)) == pytest.approx(0.8 * 3.0, rel=1e-14)


def test_spline_without_walk_is_constant_and_continues_after_the_boundary() -> None:
    hazard = MSpline()
    times = jnp.asarray([1e-4, 0.4, 1.2, 3.0, 7.0, 30.0])
    still = {"rate_per_year": jnp.log(0.8), "smoothing": jnp.asarray(0.0), "increment": jnp.ones(6)}
    np.testing.assert_allclose(hazard.log_hazard(times, still, KNOTS), np.log(0.8), atol=1e-14)
    np.testing.assert_allclose(hazard.cumulative(times, still, KNOTS), 0.8 * times, rtol=1e-13)
    moved = {**still, "smoothing": jnp.asarray(0.7)}
    first, last = jnp.exp(hazard.log_hazard(jnp.asarray([1e-12, 3.0]), moved, KNOTS))
    np.testing.assert_allclose(hazard.log_hazard(times[3:], moved, KNOTS), jnp.log(last), rtol=1e-13)
    beyond = hazard.cumulative(times[4], moved, KNOTS) - hazard.cumulative(KNOTS[-1], moved, KNOTS)
    assert float(beyond) == pytest.approx(4.0 * float(last), rel=1e-13)
    assert float(jnp.log(last / first)) == pytest.approx(0.7 * sum(np.sqrt(_shares(KNOTS))), rel=1e-9)


def _shares(knots_year: jnp.ndarray) -> list[float]:
    """Return the part of the time axis that each step of a cubic walk bridges, from the clamped knots."""
    clamped = [0.0] * 4 + [float(k) for k in knots_year[:-1]] + [float(knots_year[-1])] * 4
    return [(clamped[j + 3] - clamped[j]) / (3 * clamped[-1]) for j in range(1, 7)]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Piecewise(intervals=1), "at least 2 intervals, found 1"),
        (lambda: MSpline(basis=4, degree=3), "degree 3 and 4 basis functions"),
        (lambda: MSpline(basis=4, degree=0), "degree 0 and 4 basis functions"),
    ],
)
def test_impossible_settings(build, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        build()
