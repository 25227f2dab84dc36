"""Nodes at the maximum, kept in a checkpoint: a run that goes on does not look for them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from metachron.inference.checkpoint import Checkpoint
from metachron.inference.marginal.lesion_proposals import LesionProposals
from metachron.inference.marginal.mixture import Mixture
from metachron.inference.marginal.optimise import Optimum
from metachron.inference.marginal.prepare import Prepared, Report, prepare
from metachron.inference.marginal.table import NodeModel
from metachron.inference.settings import NutsSettings
from metachron.joint import JointModel
from metachron.joint.design import Binding


def prepare_or_restore(
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


def _to_arrays(prepared: Prepared) -> dict[str, np.ndarray]:
    optimum = prepared.optimum
    parts = _named("mixture", prepared.mixture._replace(lesions=None))
    if prepared.mixture.lesions is not None:
        parts |= _named("lesions", prepared.mixture.lesions)
    values = {"vector": optimum.vector, "gradient": optimum.gradient, "hessian": optimum.hessian}
    return {
        **parts,
        **values,
        "value": np.array(optimum.value),
        "rows": prepared.rows,
        "mean_rows": np.array(prepared.mean_rows),
        "vectors": prepared.vectors,
        "anchors": np.array(prepared.anchors),
        "cusps": np.array(prepared.cusps, dtype=int),
    }


def _named(prefix: str, values: Mixture | LesionProposals) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": np.asarray(value) for name, value in values._asdict().items() if value is not None}


def _mixture(arrays: dict[str, np.ndarray]) -> Mixture:
    def named(prefix: str, fields: Iterable[str]) -> Iterator[Array]:
        return (jnp.asarray(arrays[f"{prefix}.{name}"]) for name in fields)

    lesions = LesionProposals(*named("lesions", LesionProposals._fields)) if "lesions.mean" in arrays else None
    weight, mean, factor = named("mixture", ("weight", "mean", "factor"))
    return Mixture(weight, mean, factor, lesions)


def _restore(model: JointModel, binding: Binding, arrays: dict[str, np.ndarray]) -> Prepared:
    return Prepared(
        NodeModel.of(model, binding.dims),
        binding,
        _mixture(arrays),
        Optimum(arrays["vector"], float(arrays["value"]), arrays["gradient"], arrays["hessian"]),
        arrays["rows"],
        int(arrays["mean_rows"]),
        arrays["vectors"],
        int(arrays["anchors"]),
        tuple(int(place) for place in arrays["cusps"]),
    )
