"""Where the unknowns of a joint model lie in a flat vector: packed, unpacked, and drawn from their prior.

Population parameters stand first, on the real line; standardised patient and lesion effects follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from metachron.joint.design import Dims
from metachron.joint.parts import ModelParts
from metachron.joint.priors import draw_prior, is_positive, log_prior, prior_median, to_real_line
from metachron.joint.sites import Site, Theta, list_sites


class Values(NamedTuple):
    """One point of the parameter space: population parameters and standardised patient and lesion effects."""

    theta: dict[str, Float[Array, "..."]]
    patient: Float[Array, "patient effect"]
    lesion: Float[Array, "series effect"]


def effect_shapes(model: ModelParts, dims: Dims) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the shapes of the standardised patient effects and lesion effects."""
    part = model.dynamics
    lesions = (dims.series, len(part.lesion)) if part and part.lesion else (0, 0)
    return (dims.patients if part or model.random else 0, len(model.random)), lesions


def population_size(model: ModelParts, dims: Dims) -> int:
    """Return the number of unconstrained population values; they stand first in the vector."""
    return sum(site.free_size for site in list_sites(model, dims))


def vector_size(model: ModelParts, dims: Dims) -> int:
    """Return the length of the unconstrained vector."""
    return population_size(model, dims) + sum(rows * columns for rows, columns in effect_shapes(model, dims))


def population_at(vector: Float[Array, " free"], model: ModelParts, dims: Dims) -> dict[str, Float[Array, "..."]]:
    """Return the population parameters at an unconstrained vector; what follows them in it is not looked at."""
    return _mapped(vector, list_sites(model, dims))[0]


def _mapped(
    vector: Float[Array, " free"], sites: Iterable[Site]
) -> tuple[dict[str, Array], list[tuple[Site, Array, Array]]]:
    """Return the values of sites, and each site with its unconstrained values and those that its prior is of."""
    theta: dict[str, Array] = {}
    each, start = [], 0
    for site in sites:
        free = vector[start : start + site.free_size].reshape(site.free_shape)
        start += site.free_size
        value = to_real_line(site.prior)(free)
        if (per := site.coordinate(theta)) is not None:
            value = value * per
        scale = site.scale(theta)
        theta[site.name] = value if scale is None else value * scale
        each.append((site, free, value))
    return theta, each


def unpack_population(
    vector: Float[Array, " free"], model: ModelParts, dims: Dims
) -> tuple[dict[str, Float[Array, "..."]], Float[Array, ""]]:
    """Return the population parameters at an unconstrained vector, and their log prior with the Jacobian of the maps.

    They stand first in the vector; what follows them is not looked at.
    """
    return unpack_sites(vector, list_sites(model, dims))


def unpack_sites(
    vector: Float[Array, " free"], sites: Iterable[Site]
) -> tuple[dict[str, Float[Array, "..."]], Float[Array, ""]]:
    """Return the values of sites at an unconstrained vector, and their log prior with the Jacobian of the maps."""
    theta, each = _mapped(vector, sites)
    density = jnp.zeros(())
    for site, free, value in each:
        density += log_prior(site.prior, value)
        if site.prior.family == "lkj" or is_positive(site.prior):
            density += jnp.sum(to_real_line(site.prior).log_abs_det_jacobian(free, value))
        if (per := site.coordinate(theta)) is not None:
            density += jnp.sum(jnp.log(per))
    return theta, density


def unpack(vector: Float[Array, " free"], model: ModelParts, dims: Dims) -> tuple[Values, Float[Array, ""]]:
    """Return the values at an unconstrained vector, and the log prior with the Jacobian of the maps."""
    theta, density = unpack_population(vector, model, dims)
    start = population_size(model, dims)
    effects = []
    for shape in effect_shapes(model, dims):
        size = math.prod(shape)
        effects.append(vector[start : start + size].reshape(shape))
        start += size
    standard = vector[population_size(model, dims) :]
    density += -0.5 * jnp.sum(jnp.square(standard)) - 0.5 * math.log(2 * math.pi) * standard.size
    return Values(theta, effects[0], effects[1]), density


def pack(values: Values, model: ModelParts, dims: Dims) -> Float[Array, " free"]:
    """Return the unconstrained vector of values: the inverse of `unpack`."""
    population = pack_population(values.theta, model, dims)
    return jnp.concatenate([population, jnp.ravel(values.patient), jnp.ravel(values.lesion)])


def pack_population(theta: Theta, model: ModelParts, dims: Dims) -> Float[Array, " free"]:
    """Return the unconstrained vector of the population parameters: the inverse of `unpack_population`."""
    return pack_sites(theta, list_sites(model, dims))


def pack_sites(theta: Theta, sites: Sequence[Site]) -> Float[Array, " free"]:
    """Return the unconstrained vector of the values of sites: the inverse of `unpack_sites`."""
    scaled = dict(theta)
    for site in sites:
        for factor in (site.scale(theta), site.coordinate(theta)):
            scaled[site.name] = scaled[site.name] if factor is None else scaled[site.name] / factor
    return jnp.concatenate(
        [jnp.ravel(to_real_line(site.prior).inv(jnp.asarray(scaled[site.name], dtype=float))) for site in sites]
    )


def median_values(model: ModelParts, dims: Dims) -> Values:
    """Return the prior medians with all patient and lesion effects at zero: where sampling starts."""
    theta = {site.name: prior_median(site.prior, site.shape) for site in list_sites(model, dims)}
    patient, lesion = effect_shapes(model, dims)
    return Values(theta, jnp.zeros(patient), jnp.zeros(lesion))


def draw_prior_values(model: ModelParts, dims: Dims, key: Array) -> Values:
    """Return one draw of every unknown from the prior."""
    import jax

    sites = list_sites(model, dims)
    keys = jax.random.split(key, len(sites) + 2)
    theta: dict[str, Array] = {}
    for site, own in zip(sites, keys[2:], strict=True):
        value = draw_prior(site.prior, site.shape, own)
        scale = site.scale(theta)
        theta[site.name] = value if scale is None else value * scale
    patient, lesion = effect_shapes(model, dims)
    return Values(theta, jax.random.normal(keys[0], patient), jax.random.normal(keys[1], lesion))
