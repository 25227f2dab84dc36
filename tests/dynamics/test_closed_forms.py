"""Laws against independent numbers (closed_forms.csv), plain formulas, and integration of their equations.

closed_forms.csv holds values computed independently to six decimals. Its 'gsf' rows were written with 0.7 for the
part that shrinks: the resistant fraction of this package is 1 - 0.7 = 0.3. The size ratio is at 12 weeks of 52.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy import exp, where
from scipy.integrate import solve_ivp

from metachron.dynamics import LAWS, Trajectory

ROWS = list(csv.DictReader(Path(__file__).with_name("closed_forms.csv").read_text().splitlines()))

PLAIN_SIZE_MM = {
    "random-slope": lambda t, b, k: b + k * t,
    "random-slope-log": lambda t, b, k: exp(b + k * t),
    "random-slope-boxcox": lambda t, b, k: 10.0 * np.maximum(0.3 * (b + k * t) + 1.0, 0.0) ** (1.0 / 0.3),
    "stein-fojo": lambda t, b, s, g: b * where(t < 0, exp(g * t), exp(-s * t) + exp(g * t) - 1.0),
    "gsf": lambda t, b, s, g, phi: b * where(t < 0, exp(g * t), (1.0 - phi) * exp(-s * t) + phi * exp(g * t)),
    "claret-bruno": lambda t, b, g, p, c: b * exp(g * t - where(t < 0, 0.0, p / c * (1.0 - exp(-c * t)))),
    "wang": lambda t, b, s, g: where(t < 0, b * exp(g * t / b), b * exp(-s * t) + g * t),
}
"""The specification written down without regard to rounding; parameters in the order of the law."""

RATES_OF_LOG_SIZE = {
    "claret-bruno": lambda t, y, b, g, p, c: g - (p * exp(-c * t) if t >= 0 else 0.0),
    "gompertz": lambda t, y, b, g, capacity, kill: g * (np.log(capacity) - y) - (kill if t >= 0 else 0.0),
}
"""d log(size) / dt of the laws that are solutions of an equation."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['law']}-{row['quantity']}")
def test_reference_numbers(row):
    law = LAWS[row["law"]]
    trajectory = Trajectory(law, law.psi(**{spec.name: float(row[spec.name]) for spec in law.parameters}))
    found = {
        "time_to_growth_year": lambda: trajectory.time_to_growth_year(),
        "nadir_mm": lambda: trajectory.nadir_mm(10.0),
        "size_mm": lambda: trajectory.size_mm(float(row["time_year"])),
        "size_ratio": lambda: 1.0 + trajectory.relative_change(float(row["time_year"])),
    }[row["quantity"]]()
    assert float(found) == pytest.approx(float(row["value"]), abs=1e-6)


def test_every_law_meets_a_plain_formula_or_its_equation():
    assert set(PLAIN_SIZE_MM) | set(RATES_OF_LOG_SIZE) == set(LAWS)


@pytest.mark.parametrize("name", PLAIN_SIZE_MM)
def test_plain_formula(name):
    """The plain formulas lose about 1e-16 x the largest term to rounding; rates are moderate here."""
    law = LAWS[name]
    rng = np.random.default_rng(1)
    psi = {spec.name: rng.normal(spec.prior.args[0], 0.5, (300, 1)) for spec in law.parameters}
    times = np.array([-2.0, -0.3, 0.0, 0.2, 1.0, 4.0])
    natural = [np.asarray(value) for value in law.natural(psi).values()]
    np.testing.assert_allclose(
        Trajectory(law, psi).size_mm(times), PLAIN_SIZE_MM[name](times, *natural), rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize("name", RATES_OF_LOG_SIZE)
@pytest.mark.parametrize("end_year", [-2.0, 4.0])
def test_integration_of_the_equation(name, end_year):
    """The integrator's tolerance is 1e-11, its global error about 1e-9."""
    law = LAWS[name]
    rng = np.random.default_rng(2)
    times = np.linspace(0.0, end_year, 6)
    towards = np.sign(end_year)
    for _ in range(12):
        psi = {spec.name: rng.normal(spec.prior.args[0], 0.5) for spec in law.parameters}
        natural = [float(value) for value in law.natural(psi).values()]

        def rate(t, y, natural=natural):
            return RATES_OF_LOG_SIZE[name](t + towards * 1e-300, y, *natural)

        solution = solve_ivp(
            rate, (0.0, end_year), [np.log(natural[0])], method="DOP853", t_eval=times, rtol=1e-11, atol=1e-11
        )
        np.testing.assert_allclose(Trajectory(law, psi).location(times), solution.y[0], rtol=1e-8, atol=1e-8)
