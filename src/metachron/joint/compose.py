"""Composing a model from names and defaults: the short way to what a model file says in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metachron.base import ModelError
from metachron.joint.defaults import default_dynamics, default_hazard, exchange_links, with_covariates
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
    return JointModel(part, event_part, name=name)
