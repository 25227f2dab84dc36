"""Simulation-based calibration (Talts 2018, arXiv:1804.06788): ranks of true parameters among posterior draws.

Parameters are drawn from the prior, a cohort is simulated from them and the model is fitted to it. If simulation,
likelihood, prior and sampler belong together, the rank of each true value among the draws is uniform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from inference.compilations import counted_compilations
from metachron.cohort import Cohort
from metachron.inference.diagnostics import summarise_draws
from metachron.inference.posterior import population_draws
from metachron.inference.settings import NutsSettings
from metachron.joint import Binding, JointModel, VisitPlan, patients_in_arms
from metachron.joint.bind import bind_patients
from metachron.joint.design import Rows
from metachron.joint.names import FlatName, flat_names
from metachron.joint.sites import CORRELATION
from metachron.joint.stretches import Stretches
from metachron.joint.vector import draw_prior_values
from statistical.resumable import resume
from statistical.samplers import Sampler, by_nuts

WARMUP, DRAWS, KEPT = 200, (500, 2000), 50
"""One chain. 50 draws are kept, evenly spaced, where the effective sample size of every parameter is at least that;
else the chain is run again for 2000 draws. Ranks among draws that depend on each other are not uniform."""
MARGINAL_DRAWS = (1200, 3000)
"""The same with the marginal engine: as many as it takes for independent draws."""
BINS = 6


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks (0 to `KEPT`) of each population parameter over replicates, and what happened on the way.

    ``refused`` : verdicts of the replicates whose integrals were too poor, so that NUTS drew in their place.
    ``compiled`` : functions that each fit compiled; the first of a process compiles everything and is left out, and so
    are those that were refused.
    """

    ranks: dict[str, np.ndarray]
    refused: tuple[str, ...]
    compiled: np.ndarray


def calibrate(
    name: str,
    model: JointModel,
    *,
    arms: dict[str, int],
    plan: VisitPlan,
    replicates: int,
    limit_mm: float = 5.0,
    sampler: Sampler = by_nuts,
    distort: Callable[[Cohort], Cohort] = lambda cohort: cohort,
) -> Calibration:
    """Return the calibration of a model on cohorts of given arms and visits.

    Replicates that are done are read from disk. ``distort`` changes the simulated cohort before it is fitted: a
    deliberate error.
    """
    how = [WARMUP, _draws_of(sampler), KEPT, sampler.__name__, distort.__name__]
    settings = [model.to_toml(), arms, str(plan), limit_mm, *how]
    begun: list[int] = []

    def replicate(seed: int) -> dict[str, object]:
        ranks, refused, compiled = _replicate(model, arms, plan, limit_mm, sampler, distort, seed)
        begun.append(seed)
        return {"ranks": ranks, "refused": refused, "compiled": None if len(begun) == 1 else compiled}

    marginal = sampler is not by_nuts
    rows = resume(name, settings, replicates, replicate, marginal=marginal, tests=__file__)
    ranks = {key: np.asarray([row["ranks"][key] for row in rows]) for key in rows[0]["ranks"]}
    compiled = np.array([row["compiled"] for row in rows if row["compiled"] is not None and not row["refused"]])
    return Calibration(ranks, tuple(row["refused"] for row in rows if row["refused"]), compiled)


def _replicate(
    model: JointModel,
    arms: dict[str, int],
    plan: VisitPlan,
    limit_mm: float,
    sampler: Sampler,
    distort: Callable[[Cohort], Cohort],
    seed: int,
) -> tuple[dict[str, int], str, int]:
    """Return the rank of each population parameter, the verdict where refused, and how many functions the fit compiled.

    Prior, simulation and fit have random numbers of their own.
    """
    patients = patients_in_arms(arms)
    count = len(patients)
    binding = bind_patients(model, patients, np.ones(count), np.arange(count))
    theta = draw_prior_values(model, binding.dims, jax.random.key(seed)).theta
    truth = {name: np.asarray(value) for name, value in theta.items()}
    if CORRELATION in truth:
        truth[CORRELATION] = truth[CORRELATION] @ truth[CORRELATION].T
    cohort = distort(model.simulate(truth, patients, plan, seed=100_000 + seed, limit_mm=limit_mm))
    bound = padded(model.bind(cohort))
    with counted_compilations() as compiled:
        names, draws, refused = _independent_draws(model, bound, sampler, seed=200_000 + seed)
    ranks = {n: int(np.sum(draws[:, index] < truth[site][place])) for index, (n, site, place) in enumerate(names)}
    return ranks, refused, len(compiled)


def padded(binding: Binding, step: int = 64) -> Binding:
    """Return the binding with tables of rows whose length is a multiple of ``step``, for few compilations."""

    def longer(rows: Rows | None) -> Rows | None:
        if rows is None:
            return None
        more = (0, -len(rows.weight) % step)
        return Rows(*(jnp.pad(value, more, mode="edge") for value in rows))._replace(weight=jnp.pad(rows.weight, more))

    def with_empty(rows: Stretches | None) -> Stretches | None:
        if rows is None:
            return None
        more = -len(rows.patient) % step
        long = {
            name: jnp.pad(value, ((0, more), *[(0, 0)] * (value.ndim - 1)))
            for name, value in rows._asdict().items()
            if name != "knots_year"
        }
        return rows._replace(**long)

    design = binding.design
    design = design._replace(measured=longer(design.measured), censored=longer(design.censored))
    return replace(binding, design=design._replace(stretches=with_empty(design.stretches)))


def _independent_draws(
    model: JointModel, binding: Binding, sampler: Sampler, *, seed: int
) -> tuple[list[FlatName], np.ndarray, str]:
    """Return the names of the parameters, `KEPT` draws as good as independent, and the verdict where refused."""
    names = flat_names(model, binding.dims, binding.labels)
    for count in _draws_of(sampler):
        drawn = sampler(model, binding, NutsSettings(1, WARMUP, count, seed))
        draws = population_draws(drawn.posterior, names)
        effective = summarise_draws([name.name for name in names], draws)["ess_bulk"].to_numpy()
        if effective.min() >= KEPT:
            break
    return names, draws.reshape(-1, len(names))[:: count // KEPT], drawn.refused


def _draws_of(sampler: Sampler) -> tuple[int, int]:
    return DRAWS if sampler is by_nuts else MARGINAL_DRAWS


def smallest_p(ranks: dict[str, np.ndarray]) -> tuple[str, float]:
    """Return the parameter whose ranks look least uniform, and its chi-square p-value times the number of parameters.

    The p-value so corrected is one for all parameters together (Bonferroni).
    """
    edges = np.linspace(-0.5, KEPT + 0.5, BINS + 1)
    expected_share = np.diff(np.floor(edges + 0.5)) / (KEPT + 1)
    worst = {}
    for name, values in ranks.items():
        counts, _ = np.histogram(values, edges)
        worst[name] = float(stats.chisquare(counts, expected_share * len(values)).pvalue)
    name = min(worst, key=lambda key: worst[key])
    return name, min(1.0, worst[name] * len(ranks))
