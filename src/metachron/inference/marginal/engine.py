"""The marginal engine: NUTS over the population parameters, patient effects integrated out and drawn afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from metachron.inference.chains import sample_chains
from metachron.inference.checkpoint import Checkpoint
from metachron.inference.marginal.adapt import thetas_at
from metachron.inference.marginal.blocks import LANES, ROWS, Blocks
from metachron.inference.marginal.correction import evaluate_draws, systematic
from metachron.inference.marginal.density import MarginalDensity, Whitened
from metachron.inference.marginal.nodes import log_weights, normalise
from metachron.inference.marginal.optimise import Optimum
from metachron.inference.marginal.prepare import Prepared, Report, prepare
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.inference.marginal.verdict import ERROR_GOOD, Verdict, judge
from metachron.inference.pareto import pareto_smooth
from metachron.inference.progress import Progress
from metachron.inference.sampled import Sampled, Statistics
from metachron.inference.settings import NutsSettings
from metachron.inference.target import Target
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.sites import unpack_population

MOST_MEAN_ROWS = 16
"""Rows of nodes per patient on average at most: beyond it the verdict says that NUTS is better."""
CHECKING = 4
"""Times the sampler's nodes on which draws are weighed."""
ERROR_DRAWS = 100
VERDICT_PATIENTS = 2000
"""Patients whose integrals are judged one by one: all up to this number, beyond it those with the most nodes."""
START_SPREAD = 1.0
"""Of the chains' starting points, in standard deviations of the normal approximation."""


@dataclass(frozen=True, eq=False)
class MarginalDraws:
    """Draws of population vectors after correction, patient effects for each, and the verdict.

    ``positions`` (chain, draw, free); ``effects`` (chain, draw, patient, effect); ``log_likelihood`` (chain, draw) and
    ``by_patient`` (chain, draw, patient) with effects integrated out.
    """

    sampled: Sampled
    effects: np.ndarray
    by_patient: np.ndarray
    verdict: Verdict


def sample_marginal(
    model: JointModel,
    binding: Binding,
    settings: NutsSettings,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    prepared: Prepared | None = None,
    tell: Report | None = None,
) -> MarginalDraws:
    """Return draws of the marginal posterior, corrected by importance weights, with patient effects.

    Raises
    ------
    ModelError
        When the model has no patient effects, or effects that cannot be integrated out.
    KeyboardInterrupt
        When interrupted before any chain has drawn after its warm-up.
    """
    prepared = prepared or _prepared(model, binding, settings, checkpoint, tell)
    table, _ = prepared.table(seed=settings.seed + 1)
    target = whitened_target(prepared, table)
    raw = sample_chains(target, settings, progress, checkpoint)
    centre, scale = (np.asarray(part) for part in target.data[1:])
    vectors = raw.positions @ scale.T + centre
    if tell is not None:
        tell("weighing the draws on other nodes, and drawing patient effects")
    return _correct(prepared, table, vectors, raw, settings)


def whitened_target(prepared: Prepared, table: NodeTable) -> Target:
    """Return the marginal posterior in coordinates in which it is about standard normal."""
    scale = np.linalg.cholesky(prepared.covariance)
    data = Whitened(table, jnp.asarray(prepared.optimum.vector), jnp.asarray(scale))

    def start(key: jax.Array) -> jax.Array:
        return START_SPREAD * jax.random.normal(key, (len(scale),))

    return Target(MarginalDensity(prepared.view), data, start)


def _prepared(
    model: JointModel, binding: Binding, settings: NutsSettings, checkpoint: Checkpoint | None, tell: Report | None
) -> Prepared:
    """Return nodes at the maximum; twice as many where two sets of them still disagree too much."""
    stored = checkpoint.read("prepared") if checkpoint is not None else None
    if checkpoint is not None and stored is not None:
        try:
            return _restore(model, binding, stored)
        except KeyError as error:
            raise checkpoint.damaged("prepared", error) from error
    prepared = prepare(model, binding, seed=settings.seed, report=tell)
    while prepared.mean_rows < MOST_MEAN_ROWS and disagreement(prepared, seed=settings.seed) > ERROR_GOOD:
        prepared = replace(prepared, rows=np.minimum(2 * prepared.rows, ROWS), mean_rows=2 * prepared.mean_rows)
    if checkpoint is not None:
        checkpoint.write("prepared", _to_arrays(prepared))
    return prepared


def disagreement(prepared: Prepared, *, seed: int) -> float:
    """Return the sd over population vectors of the error of the log likelihood on the sampler's nodes."""
    each = [
        _log_likelihoods(prepared, prepared.vectors, *prepared.table(seed=seed + offset), seed=0) for offset in (1, 2)
    ]
    return float(np.std(each[0] - each[1]) / np.sqrt(2.0))


def _log_likelihoods(
    prepared: Prepared, vectors: np.ndarray, table: NodeTable, blocks: Blocks, *, seed: int
) -> np.ndarray:
    patients = prepared.binding.dims.patients
    return evaluate_draws(
        vectors, table, blocks, view=prepared.view, patients=patients, seed=seed, with_effects=False
    ).log_likelihood


def _correct(
    prepared: Prepared, table: NodeTable, vectors: np.ndarray, raw: Sampled, settings: NutsSettings
) -> MarginalDraws:
    chains, draws, free = vectors.shape
    flat = vectors.reshape(-1, free)
    view, patients = prepared.view, len(prepared.binding.labels.patients)
    checking, blocks = prepared.table(times=CHECKING, seed=settings.seed + 3)
    found = evaluate_draws(
        flat, checking, blocks, view=view, patients=prepared.binding.dims.patients, seed=settings.seed
    )
    prior = np.asarray(_log_priors(jnp.asarray(flat), view=view))
    on_sampler = raw.statistics.lp.ravel() - prior
    log_ratio = found.log_likelihood - on_sampler
    some = np.linspace(0, len(flat) - 1, min(ERROR_DRAWS, len(flat))).astype(int)
    again = _log_likelihoods(
        prepared, flat[some], *prepared.table(times=CHECKING, seed=settings.seed + 4), seed=settings.seed
    )
    verdict = _verdict(prepared, flat, checking, blocks, log_ratio, again - found.log_likelihood[some])
    _, weights = pareto_smooth(log_ratio)
    rng = np.random.default_rng(settings.seed)
    chosen = np.concatenate(
        [chain * draws + systematic(part, rng) for chain, part in enumerate(weights.reshape(chains, draws))]
    )
    statistics = Statistics(*(value.ravel()[chosen].reshape(chains, draws) for value in raw.statistics))
    statistics = statistics._replace(lp=(prior + found.log_likelihood)[chosen].reshape(chains, draws))
    sampled = Sampled(flat[chosen].reshape(chains, draws, free), statistics, raw.warmup_gradients, raw.interrupted)
    effects = found.effects[chosen, :patients].reshape(chains, draws, patients, view.effects)
    by_patient = found.by_patient[chosen, :patients].reshape(chains, draws, patients)
    return MarginalDraws(sampled, effects, by_patient, verdict)


@partial(jax.jit, static_argnames=("view",))
def _log_priors(vectors: jax.Array, *, view: NodeModel) -> jax.Array:
    return jax.lax.map(lambda vector: unpack_population(vector, view.model, view.dims)[1], vectors)


def _verdict(
    prepared: Prepared,
    vectors: np.ndarray,
    table: NodeTable,
    blocks: Blocks,
    log_ratio: np.ndarray,
    error: np.ndarray,
) -> Verdict:
    view, binding = prepared.view, prepared.binding
    centre = vectors.mean(axis=0)
    patient = np.ravel(blocks.patient)
    log_weight = log_weights(thetas_at(view, centre[None]), table, view=view)[0].reshape(-1, LANES)
    weight = np.asarray(normalise(log_weight, jnp.asarray(patient), patients=binding.dims.patients)[0])
    real = np.ravel(blocks.weight) > 0
    order = np.argsort(patient[real], kind="stable")
    owners, starts = np.unique(patient[real][order], return_index=True)
    each = np.split(weight[real][order], starts[1:])
    judged = np.argsort([-len(rows) for rows in each], kind="stable")[:VERDICT_PATIENTS]
    names = tuple(binding.labels.patients[owners[index]] for index in judged)
    weights = [each[index].ravel() for index in judged]
    return judge(log_ratio, error, weights, names, prepared.rows, LANES)


def _to_arrays(prepared: Prepared) -> dict[str, np.ndarray]:
    optimum = prepared.optimum
    parts = {f"mixture.{name}": np.asarray(value) for name, value in prepared.mixture._asdict().items()}
    values = {"vector": optimum.vector, "gradient": optimum.gradient, "hessian": optimum.hessian}
    return {
        **parts,
        **values,
        "value": np.array(optimum.value),
        "rows": prepared.rows,
        "mean_rows": np.array(prepared.mean_rows),
        "vectors": prepared.vectors,
    }


def _restore(model: JointModel, binding: Binding, arrays: dict[str, np.ndarray]) -> Prepared:
    from metachron.inference.marginal.mixture import Mixture

    return Prepared(
        NodeModel.of(model, binding.dims),
        binding,
        Mixture(*(jnp.asarray(arrays[f"mixture.{name}"]) for name in Mixture._fields)),
        Optimum(arrays["vector"], float(arrays["value"]), arrays["gradient"], arrays["hessian"]),
        arrays["rows"],
        int(arrays["mean_rows"]),
        arrays["vectors"],
    )
