"""What every combination of law, hazard, links and observation law must satisfy, whichever it is.

Everything runs without jit: primitives are compiled once and serve all combinations, which is several times quicker
than compiling each model.
"""

from __future__ import annotations

import dataclasses
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from joint.combinations import Combination
from joint.designs import with_padding_effects
from joint.small_cohort import small_cohort, small_tables
from metachron.cohort import Cohort
from metachron.dynamics import Trajectory
from metachron.joint import Binding, Design, JointModel, Values
from metachron.joint.hazard_terms import cumulative_hazard, log_hazard, patient_state
from metachron.joint.population import patient_parameters
from metachron.joint.vector import draw_prior_values, median_values, pack

DRAWS = 4
STEP = 1e-5
PERMUTED = [4, 2, 6, 0, 1, 5, 3]
FOLLOWED = 6
"""P1 to P6 have follow-up, P7 has none."""


@cache
def cohorts() -> tuple[Cohort, Cohort]:
    """Return the small cohort, and the same with patients in another order and every other table upside down."""
    tables = {name: frame.reverse() for name, frame in small_tables().items()}
    return small_cohort(), Cohort.create("small", {**tables, "patients": small_tables()["patients"][PERMUTED]})


def prior_draws(model: JointModel, binding: Binding, seed: int) -> list[Values]:
    """Return draws from the prior."""
    return [draw_prior_values(model, binding.dims, key) for key in jax.random.split(jax.random.key(seed), DRAWS)]


def check_density(one: Combination, seed: int) -> None:
    """Finite over the prior, gradient = finite difference, no effect of padding, nor of the order of anything.

    All points go through one call. Finite differences: central with step 1e-5 along a random direction, from a point
    near the prior medians; truncation and rounding are each below 1e-5 of the terms that add up.
    """
    model, (cohort, permuted) = one.compose(), cohorts()
    binding, other = model.bind(cohort), model.bind(permuted)
    draws = prior_draws(model, binding, seed)
    rng = np.random.default_rng(seed)
    start = pack(median_values(model, binding.dims), model, binding.dims)
    centre = start + jnp.asarray(rng.uniform(-0.5, 0.5, start.shape))
    direction = jnp.asarray(rng.normal(size=start.shape))
    effects = draws[0].patient
    order = jnp.asarray([*PERMUTED, *range(len(PERMUTED), len(effects))])
    vectors = [pack(values, model, binding.dims) for values in draws]
    padding = pack(with_padding_effects(draws[0], binding, 2.5), model, binding.dims)
    moved = pack(draws[0]._replace(patient=effects[order]), model, binding.dims)
    points = jnp.stack([*vectors, padding, moved, centre, centre + STEP * direction, centre - STEP * direction])
    designs = jax.tree.map(lambda a, b: jnp.stack([a] * 5 + [b] + [a] * 3), binding.design, other.design)
    density = jax.vmap(jax.value_and_grad(lambda x, design: model.log_density(x, design, binding.dims)))
    value, gradient = (np.asarray(each) for each in density(points, designs))
    finite = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
    for values, good in zip(draws, finite, strict=False):
        assert good or _beyond_numbers(model, values, binding), f"{one}: not finite although hazards and sizes are"
    assert finite[:DRAWS].sum() >= DRAWS // 2, f"{one}: hardly any draw from the prior has a finite density"
    assert finite[-3:].all()
    along, difference = float(gradient[-3] @ direction), (value[-2] - value[-1]) / (2 * STEP)
    np.testing.assert_allclose(along, difference, rtol=2e-5, atol=2e-5 * (1 + abs(value[-3])))
    if finite[0]:
        outside = np.asarray(effects[len(PERMUTED) :])
        prior = 0.5 * np.sum(outside**2 - 2.5**2)
        np.testing.assert_allclose(value[DRAWS] - value[0], prior, atol=1e-10 * (1 + abs(value[0])))
        np.testing.assert_allclose(value[DRAWS + 1], value[0], rtol=1e-10)


def _beyond_numbers(model: JointModel, values: Values, binding: Binding) -> bool:
    """Whether the density needs a hazard outside exp(-700) to exp(50) per year, or a size above 1e30 mm."""
    design, times = binding.design, _fine_times(binding.design)[0]
    state = _state(model, values, design)
    hazards = log_hazard(model, values.theta, state, design, jnp.asarray(times))
    assert state is not None
    sizes = [state.trajectory.size_mm(times)]
    for rows in (design.measured, design.censored):
        assert rows is not None
        psi = {name: value[rows.patient, 0] for name, value in state.trajectory.psi.items()}
        sizes.append(Trajectory(state.trajectory.law, psi).size_mm(rows.time_year))
    largest = max(float(jnp.max(jnp.abs(size))) for size in sizes)
    return not (float(jnp.min(hazards)) > -700.0 and float(jnp.max(hazards)) < 50.0 and largest < 1e30)


def _state(model: JointModel, values: Values, design: Design):
    assert model.dynamics is not None
    return patient_state(model, patient_parameters(model, values, design))


def check_cumulative_hazard(one: Combination, seed: int, nodes: int | None = None) -> list[float]:
    """Return relative errors of the cumulative hazard over prior draws, where it is between 1e-6 and 50.

    ``nodes`` of the quadrature: the default ones, or more.

    The reference is a composite rule on stretches that halve towards day 0, split at knots: `test_fine_rule` holds it
    against adaptive quadrature.
    """
    model = one.compose()
    if nodes is not None and model.hazard is not None:
        model = model.replace(hazard=dataclasses.replace(model.hazard, nodes=nodes))
    binding = model.bind(cohorts()[0])
    design = binding.design
    assert design.events is not None
    times, weights = (jnp.asarray(each) for each in _fine_times(design))
    start, stop = design.events.entry_year, design.events.lower_year
    draws = jax.tree.map(lambda *each: jnp.stack(each), *prior_draws(model, binding, seed))

    def both(values: Values) -> tuple[jnp.ndarray, jnp.ndarray]:
        state = _state(model, values, design)
        logs = log_hazard(model, values.theta, state, design, times)
        fine = jnp.sum(weights * jnp.exp(logs), axis=1)
        return fine[:FOLLOWED], cumulative_hazard(model, values.theta, state, design, start, stop)[:FOLLOWED]

    fine, found = (np.asarray(each) for each in jax.vmap(both)(draws))
    matters = np.isfinite(fine) & (fine > 1e-6) & (fine < 50.0)
    return list(np.abs(found[matters] / fine[matters] - 1.0))


def _fine_times(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights per patient of a rule for the time at risk; padding and P7 get a day."""
    assert design.events is not None
    return fine_rule(
        np.asarray(design.events.entry_year), np.asarray(design.events.lower_year), np.asarray(design.knots_year)
    )


def fine_rule(start: np.ndarray, stop: np.ndarray, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return 12-node Gauss-Legendre on 100 stretches that halve towards 0, split at knots, cut at ``start``.

    The number of nodes is that with 4 knots, whatever the knots, so that all hazards share compiled code.
    """
    nodes, weights = np.polynomial.legendre.leggauss(12)
    last = np.maximum(stop, 1 / 365.25)[:, None]
    first = start[:, None]
    inner = np.concatenate([np.broadcast_to(knots, (len(stop), len(knots))), np.repeat(first, 4 - len(knots), 1)], 1)
    edges = np.clip(np.sort(np.concatenate([last * 2.0 ** -np.arange(100), inner, first], 1), 1), first, last)
    width = np.diff(edges, axis=1)[..., None] / 2
    times = np.maximum(edges[:, :-1, None] + width * (1.0 + nodes), 1e-60)
    return times.reshape(len(stop), -1), (width * weights).reshape(len(stop), -1)
