"""Designs without padding, and prior draws that belong to them."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from metachron.joint import Binding, JointModel, Values
from metachron.joint.design import Rows
from metachron.joint.vector import draw_prior_values


def without_padding(binding: Binding) -> Binding:
    """Return the binding with real patients, series and rows only."""
    design, patients, series = binding.design, len(binding.labels.patients), len(binding.labels.series)

    def real(rows: Rows | None) -> Rows | None:
        return None if rows is None else Rows(*(value[np.asarray(rows.weight) > 0] for value in rows))

    events = design.events and type(design.events)(*(value[:patients] for value in design.events))
    small = design._replace(
        measured=real(design.measured), censored=real(design.censored), events=events,
        series_patient=design.series_patient[:series], patient_weight=design.patient_weight[:patients],
        arm=design.arm[:patients], study_arm=design.study_arm[:patients],
        columns={name: matrix[:patients] for name, matrix in design.columns.items()},
    )  # fmt: skip
    return Binding(small, dataclasses.replace(binding.dims, patients=patients, series=series), binding.labels)


def real_values(values: Values, binding: Binding) -> Values:
    """Return the values without the effects of padding."""
    labels = binding.labels
    return Values(values.theta, values.patient[: len(labels.patients)], values.lesion[: len(labels.series)])


def prior_values(model: JointModel, binding: Binding, seed: int) -> Values:
    """Return one draw from the prior."""
    return draw_prior_values(model, binding.dims, jax.random.key(seed))


def with_padding_effects(values: Values, binding: Binding, size: float) -> Values:
    """Return the values with the standardised effects of padding patients and series set to ``size``."""
    patients, series = len(binding.labels.patients), len(binding.labels.series)
    return Values(
        values.theta,
        jnp.asarray(values.patient).at[patients:].set(size),
        jnp.asarray(values.lesion).at[series:].set(size),
    )
