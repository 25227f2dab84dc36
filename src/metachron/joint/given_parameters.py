"""Population parameters given by hand, to simulate from: read by name, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.base import ModelError, list_briefly
from metachron.joint.design import Binding
from metachron.joint.names import site_axes
from metachron.joint.parts import ModelParts
from metachron.joint.priors import is_positive
from metachron.joint.sites import CORRELATION, Site, list_sites


def read_parameters(model: ModelParts, binding: Binding, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Return population parameters as the model computes with them, from values by site name.

    Raises
    ------
    ModelError
        When parameters are missing, unknown, of the wrong length or out of range.
    """
    sites = {site.name: site for site in list_sites(model, binding.dims)}
    missing, unknown = sorted(set(sites) - set(parameters)), sorted(set(parameters) - set(sites))
    if missing or unknown:
        raise ModelError(
            f"parameters to simulate from: missing {list_briefly(missing, 20) or 'none'}; unknown "
            f"{list_briefly(unknown, 20) or 'none'}"
        )
    theta = {}
    for name, site in sites.items():
        axes = tuple(site_axes(model, site, binding.labels).values())
        value = _array(parameters[name], site, axes)
        _check_range(value, site)
        theta[name] = jnp.linalg.cholesky(value) if name == CORRELATION else value
    return theta


def _array(value: Any, site: Site, axes: tuple[tuple[str, ...], ...]) -> Float[Array, "..."]:
    if isinstance(value, Mapping):
        if len(axes) != 1 or set(value) != set(axes[0]):
            raise ModelError(f"parameter {site.name} takes values for {axes}; found {list_briefly(value)}")
        value = [value[name] for name in axes[0]]
    array = jnp.asarray(value, dtype=float)
    if array.ndim == 0:
        array = jnp.full(site.shape, array)
    if array.shape != site.shape:
        raise ModelError(f"parameter {site.name} has shape {site.shape}; found {array.shape}")
    return array


def _check_range(value: Float[Array, "..."], site: Site) -> None:
    given = np.asarray(value)
    if not np.isfinite(given).all():
        raise ModelError(f"parameter {site.name} must be finite; found {given}")
    if is_positive(site.prior) and (given < 0).any():
        raise ModelError(f"parameter {site.name} must not be negative; found {given}")
    if site.name == CORRELATION and not _is_correlation(given):
        raise ModelError(
            f"parameter {site.name} must be a correlation matrix (symmetric, 1 on the diagonal, positive definite); "
            f"found {given.tolist()}"
        )


def _is_correlation(matrix: np.ndarray) -> bool:
    unit = np.allclose(np.diag(matrix), 1.0) and np.allclose(matrix, matrix.T)
    return bool(unit and np.linalg.eigvalsh(matrix).min() > 0)
