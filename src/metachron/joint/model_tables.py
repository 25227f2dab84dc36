"""What a model file may say, table by table."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from metachron.cohort.new_lesions import Clock, Timing
from metachron.joint.dynamics_part import Group, OrganEffects

PriorTable = dict[str, list[float]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ParameterTable(_Table):
    """``[dynamics.parameters.<name>]``."""

    group: Group | None = None
    random: bool | None = None
    spread: Group | None = None
    lesion: bool | None = None
    organ: OrganEffects | None = None
    covariates: list[str] | None = None
    mean_prior: PriorTable | None = None
    spread_prior: PriorTable | None = None
    beta_prior: PriorTable | None = None


class DynamicsTable(_Table):
    """``[dynamics]``."""

    law: str
    observation: str | None = None
    size: Literal["sum", "lesion"] = "sum"
    covariance: Literal["independent", "full"] = "independent"
    limit_mm: float | None = Field(default=None, gt=0)
    limit_working: float | None = None
    correlation_prior: PriorTable | None = None
    parameters: dict[str, ParameterTable] = {}
    residual: dict[str, PriorTable] = {}


class LinkTable(BaseModel):
    """``[hazard.links.<name>]``: a prior, and the numbers, or organs, that the link takes."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | list[str]] = Field(init=False)

    prior: PriorTable | None = None


class ProcessTable(_Table):
    """What ``[hazard]`` and ``[new_lesions]`` have in common."""

    law: str
    covariates: list[str] = []
    beta_prior: PriorTable | None = None
    nodes: int | None = Field(default=None, ge=4, le=200)
    options: dict[str, int] = {}
    parameters: dict[str, PriorTable] = {}
    links: dict[str, LinkTable] = {}


class HazardTable(ProcessTable):
    """``[hazard]``."""

    event: str = "death"


class NewLesionTable(ProcessTable):
    """``[new_lesions]``."""

    clock: Clock = "calendar"
    timing: Timing | None = None
    frailty: bool = True
    frailty_prior: PriorTable | None = None
    organ: OrganEffects = "all"
    organ_prior: PriorTable | None = None


class DurableTable(_Table):
    """``[durable]``."""

    covariates: list[str] = []
    logit_prior: PriorTable | None = None
    beta_prior: PriorTable | None = None
    hazard_prior: PriorTable | None = None


class CovariateTable(_Table):
    """``[covariates.<column>]``."""

    kind: Literal["auto", "categorical", "continuous"] = "auto"
    reference: str | None = None
    centre: float | None = None
    per: float = Field(default=1.0, gt=0)


class ModelFile(_Table):
    """The whole file."""

    name: str = "model"
    dynamics: DynamicsTable | None = None
    hazard: HazardTable | None = None
    new_lesions: NewLesionTable | None = None
    durable: DurableTable | None = None
    covariates: dict[str, CovariateTable] = {}
