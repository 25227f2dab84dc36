"""What the hazard sees of the dynamics: link values of each patient, in one draw or averaged over draws."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from metachron.inference.predict.draws import Draws, fitted_parameters
from metachron.inference.predict.subjects import gather
from metachron.joint import Binding, Design, Dims, JointModel
from metachron.joint.design import Events
from metachron.joint.likelihood import LinkTable, link_table


def without_padding(binding: Binding) -> tuple[Design, Dims]:
    """Return the groups, covariates and events of the patients, and their sizes, without padding or recorded sizes."""
    design, labels = binding.design, binding.labels
    patients, series = len(labels.patients), len(labels.series)
    events = design.events
    assert events is not None
    kept = gather(design, np.arange(patients))._replace(
        series_patient=design.series_patient[:series], events=Events(*(column[:patients] for column in events))
    )
    return kept, replace(binding.dims, patients=patients, series=series)


@partial(jax.jit, static_argnames=("model", "dims"))
def links_of(draws: Draws, index: Array, design: Design, *, model: JointModel, dims: Dims) -> LinkTable:
    """Return the link values in one of the draws."""
    return _links(jax.tree.map(lambda leaf: leaf[index], draws), design, model, dims)


@partial(jax.jit, static_argnames=("model", "dims"))
def mean_links(draws: Draws, design: Design, *, model: JointModel, dims: Dims) -> LinkTable:
    """Return the posterior means of the link values, one draw at a time in memory."""
    first = _links(jax.tree.map(lambda leaf: leaf[0], draws), design, model, dims)
    zero = jax.tree.map(jnp.zeros_like, first)

    def step(total: LinkTable, draw: Draws) -> tuple[LinkTable, None]:
        return jax.tree.map(jnp.add, total, _links(draw, design, model, dims)), None

    total, _ = jax.lax.scan(step, zero, draws)
    count = jax.tree.leaves(draws)[0].shape[0]
    return jax.tree.map(lambda value: value / count, total)


def _links(draw: Draws, design: Design, model: JointModel, dims: Dims) -> LinkTable:
    parameters = fitted_parameters(model, draw, design)
    table = link_table(model, parameters, design, dims)
    shape = (dims.patients, 1)
    return table._replace(constant=tuple(jnp.broadcast_to(value, shape) for value in table.constant))
