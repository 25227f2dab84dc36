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
REORDERED = 256
"""Patients whose effects are put in the order of the resampled draws at a time: their copy stays small."""
START_SPREAD = 1.0
"""Of the chains' starting points, in standard deviations of the normal approximation."""


@dataclass(frozen=True, eq=False)
class MarginalDraws:
    """Draws of population vectors after correction, patient effects for each, and the verdict.

    ``sampled.positions`` (chain, draw, free); ``effects`` (chain, draw, patient, effect).
    """

    sampled: Sampled
    effects: np.ndarray
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
    table = prepared.table(seed=settings.seed + 1)
    target = whitened_target(prepared, table)
    raw = sample_chains(target, settings, progress, checkpoint)
    centre, scale = (np.asarray(part) for part in target.data[1:])
    vectors = raw.positions @ scale.T + centre
    if tell is not None:
        tell("weighing the draws on other nodes, and drawing patient effects")
    return _correct(prepared, vectors, raw, settings)


def whitened_target(prepared: Prepared, table: NodeTable) -> Target:
    """Return the marginal posterior in coordinates in which it is about standard normal.

    Nodes are in single precision here; the weights of the draws, which are not, correct what that changes.
    """
    scale = np.linalg.cholesky(prepared.covariance)
    data = Whitened(table.single(), jnp.asarray(prepared.optimum.vector), jnp.asarray(scale))

    def start(key: jax.Array) -> jax.Array:
        return START_SPREAD * jax.random.normal(key, (len(scale),))

    return Target(MarginalDensity(prepared.view), data, start)


def _prepared(
    model: JointModel, binding: Binding, settings: NutsSettings, checkpoint: Checkpoint | None, tell: Report | None
) -> Prepared:
    """Return nodes at the maximum; twice as many where two sets of them still disagree too much."""
    stored = checkpoint.read("prepared") if checkpoint is not None else None
    if stored is not None:
        return _restore(model, binding, stored)
    prepared = prepare(model, binding, seed=settings.seed, report=tell)
    while prepared.mean_rows < MOST_MEAN_ROWS and disagreement(prepared, seed=settings.seed) > ERROR_GOOD:
        prepared = replace(prepared, rows=np.minimum(2 * prepared.rows, ROWS), mean_rows=2 * prepared.mean_rows)
    if checkpoint is not None:
        checkpoint.write("prepared", _to_arrays(prepared))
    return prepared


def disagreement(prepared: Prepared, *, seed: int) -> float:
    """Return the sd over population vectors of the error of the log likelihood on the sampler's nodes."""
    each = [_log_likelihoods(prepared, prepared.vectors, seed=seed + offset) for offset in (1, 2)]
    return float(np.std(each[0] - each[1]) / np.sqrt(2.0))


def _log_likelihoods(prepared: Prepared, vectors: np.ndarray, *, times: int = 1, seed: int) -> np.ndarray:
    patients = prepared.binding.dims.patients
    pieces = prepared.slabs(times=times, seed=seed)
    return evaluate_draws(vectors, pieces, view=prepared.view, patients=patients, seed=0).log_likelihood


def _correct(prepared: Prepared, vectors: np.ndarray, raw: Sampled, settings: NutsSettings) -> MarginalDraws:
    chains, draws, free = vectors.shape
    flat = vectors.reshape(-1, free)
    view, patients = prepared.view, len(prepared.binding.labels.patients)
    weights_of = _NodeWeights(prepared, flat.mean(axis=0))
    found = evaluate_draws(
        flat,
        prepared.slabs(times=CHECKING, seed=settings.seed + 3),
        view=view,
        patients=patients,
        seed=settings.seed,
        effects=True,
        visit=weights_of.see,
    )
    prior = np.asarray(_log_priors(jnp.asarray(flat), view=view))
    log_ratio = found.log_likelihood - (raw.statistics.lp.ravel() - prior)
    some = np.linspace(0, len(flat) - 1, min(ERROR_DRAWS, len(flat))).astype(int)
    again = _log_likelihoods(prepared, flat[some], times=CHECKING, seed=settings.seed + 4)
    error = again - found.log_likelihood[some]
    verdict = judge(log_ratio, error, weights_of.by_patient, prepared.rows, LANES)
    _, weights = pareto_smooth(log_ratio)
    rng = np.random.default_rng(settings.seed)
    chosen = np.concatenate(
        [chain * draws + systematic(part, rng) for chain, part in enumerate(weights.reshape(chains, draws))]
    )
    statistics = Statistics(*(value.ravel()[chosen].reshape(chains, draws) for value in raw.statistics))
    statistics = statistics._replace(lp=(prior + found.log_likelihood)[chosen].reshape(chains, draws))
    sampled = Sampled(flat[chosen].reshape(chains, draws, free), statistics, raw.warmup_gradients, raw.interrupted)
    assert found.effects is not None
    effects = found.effects
    for start in range(0, patients, REORDERED):
        part = slice(start, start + REORDERED)
        effects[:, part] = effects[chosen, part]
    return MarginalDraws(sampled, effects.reshape(chains, draws, patients, view.effects), verdict)


@partial(jax.jit, static_argnames=("view",))
def _log_priors(vectors: jax.Array, *, view: NodeModel) -> jax.Array:
    return jax.lax.map(lambda vector: unpack_population(vector, view.model, view.dims)[1], vectors)


class _NodeWeights:
    """Normalised importance weights of the nodes at a population vector, gathered slab by slab.

    ``by_patient`` holds those of `VERDICT_PATIENTS` patients at most: the ones with the most nodes.
    """

    def __init__(self, prepared: Prepared, vector: np.ndarray) -> None:
        self._view, self._labels = prepared.view, prepared.binding.labels.patients
        self._patients = prepared.binding.dims.patients
        self._theta = thetas_at(prepared.view, vector[None])
        self.by_patient: dict[str, np.ndarray] = {}

    def see(self, table: NodeTable, blocks: Blocks) -> None:
        """Take up the patients of a slab; blocks come in order of the number of nodes."""
        if len(self.by_patient) >= VERDICT_PATIENTS:
            return
        patient = np.ravel(blocks.patient)
        log_weight = log_weights(self._theta, table, view=self._view)[0].reshape(-1, LANES)
        weight = np.asarray(normalise(log_weight, jnp.asarray(patient), patients=self._patients)[0])
        real = np.ravel(blocks.weight) > 0
        owners, starts = np.unique(patient[real], return_index=True)
        order = np.argsort(starts)
        parts = np.split(weight[real], starts[order][1:])
        self.by_patient |= {self._labels[o]: rows.ravel() for o, rows in zip(owners[order], parts, strict=True)}


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
