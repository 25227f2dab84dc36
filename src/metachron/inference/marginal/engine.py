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
from metachron.inference.marginal.expansion import Coordinates, evaluate
from metachron.inference.marginal.fresh import fresh_log_likelihood, spread_out
from metachron.inference.marginal.nodes import log_weights, normalise
from metachron.inference.marginal.optimise import Optimum
from metachron.inference.marginal.prepare import Prepared, Report, prepare
from metachron.inference.marginal.references import References, measure
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.inference.marginal.verdict import Verdict, judge
from metachron.inference.marginal.whitened import whitened_target
from metachron.inference.pareto import pareto_smooth
from metachron.inference.progress import Progress
from metachron.inference.sampled import Sampled, Statistics
from metachron.inference.settings import NutsSettings
from metachron.joint import JointModel
from metachron.joint.design import Binding
from metachron.joint.sites import unpack_population

MOST_MEAN_ROWS = 16
"""Rows of nodes per patient on average at most: beyond it the verdict says that NUTS is better."""
ERROR_LEFT = 0.3
"""Of the corrected log density, in standard deviations over the draws: 9 % of them are lost to their weights."""
PILOTS = 50
CHECKING = 4
"""Times the sampler's nodes on which draws are weighed, and from which patient effects are drawn."""
VERDICT_PATIENTS = 2000
"""Patients whose integrals are judged one by one: all up to this number, beyond it those with the most nodes."""
REORDERED = 256
"""Patients whose effects are put in the order of the resampled draws at a time: their copy stays small."""


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
    coordinates = Coordinates(prepared.optimum.vector, np.linalg.cholesky(prepared.covariance))
    if tell is not None:
        tell("measuring the error of the sampler's nodes on many others")
    reference = measure(prepared, coordinates, seed=settings.seed)
    while prepared.mean_rows < MOST_MEAN_ROWS and _left(prepared, coordinates, reference, settings.seed) > ERROR_LEFT:
        prepared = replace(prepared, rows=np.minimum(2 * prepared.rows, ROWS), mean_rows=2 * prepared.mean_rows)
    correction = reference.correction(prepared, coordinates, times=1, seed=settings.seed + 1)
    table = prepared.table(seed=settings.seed + 1)
    target = whitened_target(prepared.view, table, correction, coordinates)
    raw = sample_chains(target, settings, progress, checkpoint)
    if tell is not None:
        tell("weighing the draws on other nodes, and drawing patient effects")
    return _correct(prepared, coordinates, reference, raw, settings)


def _left(prepared: Prepared, coordinates: Coordinates, reference: References, seed: int) -> float:
    """Return the standard deviation, over the normal approximation, of what the correction leaves of the error."""
    white = np.random.default_rng(seed).normal(size=(PILOTS, len(coordinates.centre)))
    each = []
    for own in (seed + 5, seed + 6):
        found = evaluate_draws(
            coordinates.vectors(white),
            prepared.slabs(seed=own, single=True),
            view=prepared.view,
            patients=prepared.binding.dims.patients,
            seed=0,
        )
        correction = reference.correction(prepared, coordinates, times=1, seed=own)
        each.append(found.log_likelihood + np.asarray(evaluate(correction, jnp.asarray(white))))
    return float(np.std(each[0] - each[1]) / np.sqrt(2.0))


def _prepared(
    model: JointModel, binding: Binding, settings: NutsSettings, checkpoint: Checkpoint | None, tell: Report | None
) -> Prepared:
    """Return nodes at the maximum, from a checkpoint where there is one."""
    stored = checkpoint.read("prepared") if checkpoint is not None else None
    if checkpoint is not None and stored is not None:
        try:
            return _restore(model, binding, stored)
        except KeyError as error:
            raise checkpoint.damaged("prepared", error) from error
    prepared = prepare(model, binding, seed=settings.seed, report=tell)
    if checkpoint is not None:
        checkpoint.write("prepared", _to_arrays(prepared))
    return prepared


def _correct(
    prepared: Prepared, coordinates: Coordinates, reference: References, raw: Sampled, settings: NutsSettings
) -> MarginalDraws:
    chains, draws, free = raw.positions.shape
    white = raw.positions.reshape(-1, free)
    flat = coordinates.vectors(white)
    view, patients = prepared.view, len(prepared.binding.labels.patients)
    weights_of = _NodeWeights(prepared, flat.mean(axis=0))
    seed = settings.seed + 3
    found = evaluate_draws(
        flat,
        prepared.slabs(times=CHECKING, seed=seed, single=True),
        view=view,
        patients=patients,
        seed=settings.seed,
        effects=True,
        visit=weights_of.see,
    )
    correction = reference.correction(prepared, coordinates, times=CHECKING, seed=seed)
    log_likelihood = found.log_likelihood + np.asarray(evaluate(correction, jnp.asarray(white)))
    prior = np.asarray(_log_priors(jnp.asarray(flat), view=view))
    log_ratio = log_likelihood - (raw.statistics.lp.ravel() - prior)
    error = np.asarray(evaluate(reference.error, jnp.asarray(white)))
    some = spread_out(white)
    afresh = np.array([fresh_log_likelihood(prepared, flat[index], seed=seed + 50) for index in some])
    verdict = judge(log_ratio, error, afresh - log_likelihood[some], weights_of.by_patient, prepared.rows, LANES)
    _, weights = pareto_smooth(log_ratio)
    rng = np.random.default_rng(settings.seed)
    chosen = np.concatenate(
        [chain * draws + systematic(part, rng) for chain, part in enumerate(weights.reshape(chains, draws))]
    )
    statistics = Statistics(*(value.ravel()[chosen].reshape(chains, draws) for value in raw.statistics))
    statistics = statistics._replace(lp=(prior + log_likelihood)[chosen].reshape(chains, draws))
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
        real = np.ravel(blocks.weight) > 0
        if len(self.by_patient) >= VERDICT_PATIENTS or not real.any():
            return
        patient = np.ravel(blocks.patient)
        log_weight = log_weights(self._theta, table, view=self._view)[0].reshape(-1, LANES)
        weight = np.asarray(normalise(log_weight, jnp.asarray(patient), patients=self._patients)[0])
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
