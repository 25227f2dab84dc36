"""The unknowns of a joint model: population parameters by name.

Names follow one scheme, ``{what}.{role}[{index}]``: `docs/names.md` lists them beside those of other software.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jaxtyping import Array, Float

from metachron.base import Prior
from metachron.cohort.new_lesions import NEW_LESION
from metachron.joint.design import Dims
from metachron.joint.durable_part import DURABLE, DurablePart
from metachron.joint.dynamics_part import OrganEffects, ParameterModel
from metachron.joint.horseshoe import (
    GLOBAL,
    LOCAL,
    SLAB,
    expected_error,
    is_horseshoe,
    scale_priors,
    shrunk_coordinate,
    shrunk_scale,
)
from metachron.joint.parts import ModelParts
from metachron.joint.process_parts import FRAILTY, HazardPart

STANDARD_NORMAL = Prior("normal", (0.0, 1.0), "standardised: its spread is a parameter of its own")
CORRELATION = "effects.correlation"
Theta = Mapping[str, Float[Array, "..."]]
"""Population parameters by site name; ``effects.correlation`` as the Cholesky factor of the correlation matrix."""


@dataclass(frozen=True)
class Site:
    """One named block of population parameters.

    Parameters
    ----------
    name : e.g. ``log_growth_per_year.mean``.
    prior : of every element.
    shape : of the values.
    axes : what each axis counts: ``arm``, ``study-arm``, ``organ``, ``new_lesion_organ``,
        ``column:<block>``, ``component`` or ``effect``.
    times : name of an earlier site, a standard deviation: the prior is that of the values divided by it.
    shrunk : the same with standard deviations that the horseshoe's scales give, three earlier sites; above 0 it is the
        error with which data are thought to know each value, by which coordinates are chosen (`shrunk_coordinate`).
    """

    name: str
    prior: Prior
    shape: tuple[int, ...] = ()
    axes: tuple[str, ...] = ()
    times: str = ""
    shrunk: float = 0.0

    def scale(self, theta: Mapping[str, Any]) -> Float[Array, "..."] | None:
        """Return what the values are divided by to have the prior, from those of earlier sites; None: nothing."""
        if self.shrunk:
            return shrunk_scale(*(theta[f"{self.name}{part}"] for part in (GLOBAL, SLAB, LOCAL)))
        return theta[self.times] if self.times else None

    def coordinate(self, theta: Mapping[str, Any]) -> Float[Array, "..."] | None:
        """Return standardised values over their coordinates in the vector; None: they are the same."""
        scale = self.scale(theta) if self.shrunk else None
        return None if scale is None else shrunk_coordinate(scale, self.shrunk)

    @property
    def free_size(self) -> int:
        """Number of unconstrained values."""
        if self.prior.family == "lkj":
            return self.shape[-1] * (self.shape[-1] - 1) // 2
        return math.prod(self.shape)

    @property
    def free_shape(self) -> tuple[int, ...]:
        return (self.free_size,) if self.prior.family == "lkj" else self.shape


@lru_cache(maxsize=256)
def list_sites(model: ModelParts, dims: Dims) -> tuple[Site, ...]:
    """Return the population parameters of a model for a cohort of the given sizes, in their order in the vector."""
    sites: list[Site] = []
    if model.dynamics is not None:
        sites += _dynamics_sites(model, dims)
    if model.hazard is not None:
        sites += hazard_sites(model, dims)
    if model.new_lesions is not None:
        sites += _new_lesion_sites(model, dims)
    if model.durable is not None:
        sites += _durable_sites(model.durable, dims)
    return tuple(sites)


def _grouped(name: str, prior: Prior, kind: str, dims: Dims) -> Site:
    return Site(name, prior) if kind == "all" else Site(name, prior, (dims.groups(kind),), (kind,))


def _dynamics_sites(model: ModelParts, dims: Dims) -> list[Site]:
    part = model.dynamics
    assert part is not None
    sites = []
    for parameter in part.parameters:
        sites.append(_grouped(f"{parameter.label}.mean", parameter.mean_prior, parameter.group, dims))
        if parameter.random:
            sites.append(_grouped(f"{parameter.label}.sd", parameter.spread_prior, parameter.spread, dims))
        if parameter.lesion:
            sites.append(Site(f"{parameter.label}.lesion_sd", parameter.spread_prior))
        if parameter.organ != "none" and dims.organs > 1:
            sites += _organ_sites(parameter, dims)
        if columns := dims.column_count(parameter.name):
            sites += _coefficients(f"{parameter.label}.beta", parameter.beta_prior, columns, parameter.name)
    if part.covariance == "full" and len(part.random) > 1:
        count = len(part.random)
        sites.append(Site(CORRELATION, part.correlation_prior, (count, count), ("effect", "effect")))
    sites += [Site(f"residual.{name}", prior) for name, prior in part.residual_priors]
    return sites


def _organ_sites(parameter: ParameterModel, dims: Dims) -> list[Site]:
    """Return the spread of the organs, and their effects: a lone organ has none, it is the mean."""
    spread = Site(f"{parameter.label}.organ_sd", parameter.spread_prior)
    shape, axes = _by_organ(parameter.organ, "organ", dims.organs, dims)
    return [spread, Site(f"{parameter.label}.organ", STANDARD_NORMAL, shape, axes, times=spread.name)]


def _by_organ(by: OrganEffects, axis: str, organs: int, dims: Dims) -> tuple[tuple[int, ...], tuple[str, ...]]:
    return ((dims.arms, organs), ("arm", axis)) if by == "arm" else ((organs,), (axis,))


def hazard_sites(model: ModelParts, dims: Dims) -> list[Site]:
    """Return the population parameters of the hazard: baseline, covariates, links."""
    assert model.hazard is not None
    return _process_sites(model.hazard, model, dims, "hazard")


def _new_lesion_sites(model: ModelParts, dims: Dims) -> list[Site]:
    """Return the population parameters of the process of new lesions."""
    part = model.new_lesions
    assert part is not None
    sites = _process_sites(part.hazard, model, dims, NEW_LESION)
    if part.frailty_prior is not None:
        sites.append(Site(f"{FRAILTY.label}.sd", part.frailty_prior))
    if part.organ != "none" and dims.new_lesion_organs > 1:
        shape, axes = _by_organ(part.organ, "new_lesion_organ", dims.new_lesion_organs, dims)
        sites.append(Site(f"{NEW_LESION}.organ", part.organ_prior, shape, axes))
    return sites


def _process_sites(part: HazardPart, model: ModelParts, dims: Dims, block: str) -> list[Site]:
    sites = []
    priors = dict(part.parameter_priors)
    for spec in part.hazard.parameters:
        shape, axes = ((spec.size,), ("component",)) if spec.size > 1 else ((), ())
        sites.append(Site(f"{part.event}.{spec.label}", priors.get(spec.name, spec.prior), shape, axes))
    if columns := dims.column_count(block):
        sites += _coefficients(f"{part.event}.beta", part.beta_prior, columns, block)
    effects = tuple(parameter.label for parameter in model.dynamics.random) if model.dynamics else ()
    for term in part.links:
        names = term.link.coefficients(effects)
        sites += [Site(f"{part.event}.link[{name}]", term.prior) for name in names]
    if model.durable is not None:
        sites.append(Site(class_coefficient(part), model.durable.hazard_prior))
    return sites


def class_coefficient(part: HazardPart) -> str:
    """Return the name of the coefficient that the durable class has in the log hazard of an event."""
    return f"{part.event}.{DURABLE}"


def _durable_sites(part: DurablePart, dims: Dims) -> list[Site]:
    """Return the population parameters of the probability of the durable class."""
    sites = [Site(f"{DURABLE}.logit", part.logit_prior)]
    if columns := dims.column_count(DURABLE):
        sites += _coefficients(f"{DURABLE}.beta", part.beta_prior, columns, DURABLE)
    return sites


def _coefficients(name: str, prior: Prior, columns: int, block: str) -> list[Site]:
    """Return the coefficients of a block of covariates, after the scales of their prior where it is a horseshoe."""
    shape, axes = (columns,), (f"column:{block}",)
    if not is_horseshoe(prior):
        return [Site(name, prior, shape, axes)]
    own = scale_priors(prior)
    return [
        Site(f"{name}{GLOBAL}", own.tau),
        Site(f"{name}{SLAB}", own.slab),
        Site(f"{name}{LOCAL}", own.local, shape, axes),
        Site(name, STANDARD_NORMAL, shape, axes, shrunk=expected_error(prior)),
    ]
