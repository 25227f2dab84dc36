"""Composing a model from names and defaults: the short way to what a model file says in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metachron.base import ModelError
from metachron.cohort.new_lesions import Clock
from metachron.joint.defaults import (
    default_dynamics,
    default_hazard,
    default_new_lesions,
    exchange_links,
    with_covariates,
)
from metachron.joint.durable_part import DurablePart
from metachron.joint.model import JointModel


def compose(
    *,
    dynamics: str | None = "stein-fojo",
    hazard: str | None = "weibull",
    links: Iterable[str] = (),
    observation: str | None = None,
    covariates: Iterable[str] = (),
    dynamics_covariates: Mapping[str, Iterable[str]] | None = None,
    size: str = "sum",
    event: str = "death",
    covariance: str = "independent",
    new_lesions: str | None = None,
    new_lesion_links: Iterable[str] = (),
    clock: Clock = "calendar",
    durable: bool | Iterable[str] = False,
    name: str = "model",
) -> JointModel:
    """Return a joint model from names, with default groups and priors.

    Parameters
    ----------
    dynamics, hazard : names in `metachron.dynamics.LAWS` and `metachron.hazards.HAZARDS`; None leaves the part out.
    links : names in `metachron.joint.LINKS`.
    observation : name of an observation law; None: ``proportional`` for laws of positive size, else ``additive``.
    covariates : baseline columns of the hazard.
    dynamics_covariates : baseline columns by dynamics parameter.
    size : ``"sum"`` of target lesions, or ``"lesion"`` by lesion.
    event : kind of event in the cohort.
    covariance : of patient effects, ``"independent"`` or ``"full"``.
    new_lesions : baseline rate of new lesions, a name in `metachron.hazards.HAZARDS`; None: they are not modelled. The
        link ``new-lesion-frailty`` ties death to their frailty.
    new_lesion_links : links of their rate, names in `metachron.joint.LINKS`.
    clock : ``"calendar"`` or ``"gap"``: what the baseline rate of new lesions counts from.
    durable : whether there is a class of patients whose tumour does not grow again; or the baseline columns, and
        interactions such as ``"arm:pdl1"``, on which the probability of it depends.

    Raises
    ------
    ModelError
        When a name is unknown or the parts do not fit together.
    """
    part = None
    if dynamics is not None:
        part = default_dynamics(dynamics, observation, size=size, covariance=covariance)
        part = with_covariates(part, dynamics_covariates or {})
    elif observation is not None or dynamics_covariates:
        raise ModelError(
            "an observation law and dynamics covariates need tumour dynamics; name a law, or leave them out"
        )
    event_part = None
    if hazard is not None:
        event_part = replace(default_hazard(hazard, event), covariates=tuple(covariates))
        event_part = exchange_links(event_part, links)
    elif tuple(links) or tuple(covariates):
        raise ModelError("links and hazard covariates need a hazard; name one, or leave them out")
    process = None
    if new_lesions is not None:
        process = default_new_lesions(new_lesions, clock)
        process = replace(process, hazard=exchange_links(process.hazard, new_lesion_links))
    elif tuple(new_lesion_links):
        raise ModelError("links of new lesions need their baseline rate: name one, such as new_lesions='weibull'")
    return JointModel(part, event_part, name=name, new_lesions=process, durable=_durable(durable))


def _durable(named: bool | Iterable[str]) -> DurablePart | None:
    if isinstance(named, str):
        raise ModelError(f"durable takes True, False or a list of columns; found the text {named!r}: write [{named!r}]")
    if isinstance(named, bool):
        return DurablePart() if named else None
    return DurablePart(tuple(named))
