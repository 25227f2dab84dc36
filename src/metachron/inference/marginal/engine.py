"""The marginal engine: draws of the population parameters, patient effects integrated out and drawn afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from metachron.inference.checkpoint import Checkpoint
from metachron.inference.marginal.adapt import thetas_at
from metachron.inference.marginal.blocks import LANES, Blocks
from metachron.inference.marginal.coordinates import Coordinates
from metachron.inference.marginal.correction import systematic
from metachron.inference.marginal.drawing import CHECKING, draw_white
from metachron.inference.marginal.expansion import evaluate
from metachron.inference.marginal.fresh import fresh_log_likelihood, spread_out
from metachron.inference.marginal.integrals import Integrals
from metachron.inference.marginal.nodes import log_weights, normalise
from metachron.inference.marginal.prepare import Prepared, Report
from metachron.inference.marginal.references import measure
from metachron.inference.marginal.stored import prepare_or_restore
from metachron.inference.marginal.table import NodeTable
from metachron.inference.marginal.verdict import Verdict, judge
from metachron.inference.pareto import pareto_smooth
from metachron.inference.progress import Progress
from metachron.inference.sampled import Sampled, Statistics
from metachron.inference.settings import NutsSettings
from metachron.joint import JointModel
from metachron.joint.design import Binding

VERDICT_PATIENTS = 2000
"""Patients whose integrals are judged one by one: all up to this number, beyond it those with the most nodes."""
REORDERED = 256
"""Patients whose effects are put in the order of the resampled draws at a time: their copy stays small."""


@dataclass(frozen=True, eq=False)
class MarginalDraws:
    """Draws of population vectors after correction, patient effects for each, and the verdict.

    ``sampled.positions`` (chain, draw, free); ``effects`` (chain, draw, patient, effect); ``lesions`` (chain, draw,
    series, effect), where lesions are single ones.
    """

    sampled: Sampled
    effects: np.ndarray
    verdict: Verdict
    lesions: np.ndarray | None = None


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
    prepared = prepared or prepare_or_restore(model, binding, settings, checkpoint, tell)
    coordinates = Coordinates.about(prepared.optimum.vector, prepared.covariance, prepared.view)
    if tell is not None:
        tell("measuring the error of the sampler's nodes on many others")
    integrals = Integrals(prepared, coordinates, measure(prepared, coordinates, seed=settings.seed))
    drawn = draw_white(integrals, settings, progress, checkpoint, tell)
    found = _correct(drawn.integrals, drawn.raw, settings, tell)
    if found.verdict.word == "use NUTS" and drawn.by_nuts is not None:
        found = _correct(drawn.integrals, drawn.by_nuts(), settings, tell)
    return found


def _correct(integrals: Integrals, raw: Sampled, settings: NutsSettings, tell: Report | None) -> MarginalDraws:
    """Return draws with the weights on the checking nodes taken up, patient effects for each, and the verdict."""
    if tell is not None:
        tell("weighing the draws on other nodes, and drawing patient effects")
    prepared, coordinates = integrals.prepared, integrals.coordinates
    chains, draws, free = raw.positions.shape
    white = raw.positions.reshape(-1, free)
    flat = coordinates.vectors(white)
    weights_of = _NodeWeights(prepared, flat.mean(axis=0))
    seed = settings.seed + 3
    found = integrals.at(white, times=CHECKING, seed=seed, effects=True, visit=weights_of.see)
    log_density = found.log_likelihood + integrals.log_prior(white)
    log_ratio = log_density - raw.statistics.lp.ravel()
    _, weights = pareto_smooth(log_ratio)
    rng = np.random.default_rng(settings.seed)
    chosen = np.concatenate(
        [chain * draws + systematic(part, rng) for chain, part in enumerate(weights.reshape(chains, draws))]
    )
    error = np.asarray(evaluate(integrals.reference.error, jnp.asarray(white[chosen])))
    some = chosen[spread_out(white[chosen])]
    afresh = np.array([fresh_log_likelihood(prepared, flat[index], seed=seed + 50) for index in some])
    each = weights_of.by_patient
    verdict = judge(log_ratio, error, afresh - found.log_likelihood[some], each, prepared.rows, LANES)
    statistics = Statistics(*(value.ravel()[chosen].reshape(chains, draws) for value in raw.statistics))
    statistics = statistics._replace(lp=log_density[chosen].reshape(chains, draws))
    sampled = Sampled(flat[chosen].reshape(chains, draws, free), statistics, raw.warmup_gradients, raw.interrupted)
    assert found.effects is not None
    of_each = [_reordered(values, chosen, (chains, draws)) for values in (found.effects, found.lesions)]
    assert of_each[0] is not None
    return MarginalDraws(sampled, of_each[0], verdict, of_each[1])


def _reordered(values: np.ndarray | None, chosen: np.ndarray, shape: tuple[int, int]) -> np.ndarray | None:
    """Return effects in the order of the chosen draws, by chain and draw; changed in place, since they are large."""
    if values is None:
        return None
    for start in range(0, values.shape[1], REORDERED):
        part = slice(start, start + REORDERED)
        values[:, part] = values[chosen, part]
    return values.reshape(*shape, *values.shape[1:])


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
