"""The parts a joint model is composed of, as data: parameters of the dynamics, covariates, the hazard and its links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from metachron.base import IncompatiblePartsError, ModelError, ParameterSpec, Prior, list_briefly
from metachron.dynamics import Law, provides
from metachron.hazards import Hazard
from metachron.joint.links import Link
from metachron.joint.observation import Observation
from metachron.joint.priors import check_correlation_prior, check_prior, is_positive

Group = Literal["all", "arm", "study-arm"]
GROUPS: tuple[Group, ...] = ("all", "arm", "study-arm")
OrganEffects = Literal["none", "all", "arm"]
COVARIANCES = ("independent", "full")
SIZES = ("sum", "lesion")

HAZARD_COVARIATE_PRIOR = Prior("normal", (0.0, 2.0), "hazard ratio between 0.02 and 50 with 95 % prior probability")
CORRELATION_PRIOR = Prior("lkj", (2.0,), "mildly favours correlations away from -1 and 1; Lewandowski 2009")


@dataclass(frozen=True)
class Covariate:
    """How a baseline covariate enters a linear predictor.

    Parameters
    ----------
    column : column of the cohort's ``patients`` table.
    kind : ``"categorical"`` (one column per level but the reference), ``"continuous"``, or ``"auto"``: text is
        categorical and numbers are continuous.
    reference : reference level; None: the first level in sorted order. Recorded in the fit.
    centre : value subtracted; None: the mean of the cohort that is fitted. Recorded in the fit.
    per : the coefficient is per this many units.
    """

    column: str
    kind: Literal["auto", "categorical", "continuous"] = "auto"
    reference: str | None = None
    centre: float | None = None
    per: float = 1.0


@dataclass(frozen=True)
class ParameterModel:
    """The population model of one parameter of the tumour law, on its transform scale.

    ``transform(value) = mean[group] + covariates . beta + patient effect (+ organ effect + lesion effect)``

    Parameters
    ----------
    spec : the parameter of the law.
    group : what the mean depends on: ``"all"`` (one mean), ``"arm"`` or ``"study-arm"``.
    random : whether patients differ beyond group and covariates.
    spread : what the standard deviation of the patient effects depends on, as ``group``.
    lesion : whether lesions of a patient differ (only where sizes are modelled lesion by lesion).
    covariates : columns of the linear predictor.
    mean_prior, spread_prior, beta_prior : priors on the transform scale.
    organ : effects of the organs that lesions are in (only where sizes are modelled lesion by lesion): ``"none"``,
        ``"all"`` (the same in every arm) or ``"arm"`` (a treatment may work in one organ and fail in another). They
        are pooled: normal about 0 with a standard deviation of their own.
    """

    spec: ParameterSpec
    group: Group
    random: bool
    spread: Group
    lesion: bool
    covariates: tuple[str, ...]
    mean_prior: Prior
    spread_prior: Prior
    beta_prior: Prior
    organ: OrganEffects = "none"

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def label(self) -> str:
        return self.spec.label

    def check(self) -> None:
        """Raise `ModelError` when a part of the description is not valid."""
        for what, prior in (("mean", self.mean_prior), ("sd", self.spread_prior), ("beta", self.beta_prior)):
            check_prior(prior, f"{self.label}.{what}")
        if not is_positive(self.spread_prior):
            raise ModelError(f"{self.label}.sd: a standard deviation needs a prior of positive values, not normal")
        _check_once(self.covariates, f"covariates of {self.name}")


@dataclass(frozen=True)
class DynamicsPart:
    """Tumour dynamics: a law, how sizes scatter about it, and how its parameters vary between patients.

    ``limit_mm`` None takes the limit of the cohort; ``limit_working`` states it on the law's working scale instead.
    """

    law: Law
    observation: Observation
    parameters: tuple[ParameterModel, ...]
    residual_priors: tuple[tuple[str, Prior], ...]
    size: Literal["sum", "lesion"] = "sum"
    covariance: Literal["independent", "full"] = "independent"
    correlation_prior: Prior = CORRELATION_PRIOR
    limit_mm: float | None = None
    limit_working: float | None = None

    @property
    def random(self) -> tuple[ParameterModel, ...]:
        """The parameters with patient effects."""
        return tuple(parameter for parameter in self.parameters if parameter.random)

    @property
    def lesion(self) -> tuple[ParameterModel, ...]:
        """The parameters with lesion effects."""
        return tuple(parameter for parameter in self.parameters if parameter.lesion)

    @property
    def organ(self) -> tuple[ParameterModel, ...]:
        """The parameters with organ effects."""
        return tuple(parameter for parameter in self.parameters if parameter.organ != "none")

    def check(self) -> None:
        """Raise `ModelError` when the parts do not fit together."""
        self.observation.check(self.law)
        for parameter in self.parameters:
            parameter.check()
        if self.limit_working is not None and self.observation.value_scale(self.law) != self.law.scale:
            raise ModelError("limit_working needs an observation law on the working scale ('additive')")
        if self.limit_working is not None and self.limit_mm is not None:
            raise ModelError("limit_mm and limit_working state the same limit twice; keep one of them")
        for what, having in (("lesion", self.lesion), ("organ", self.organ)):
            if having and self.size != "lesion":
                raise ModelError(f"{what} effects need sizes lesion by lesion: set size = 'lesion' under [dynamics]")
        check_correlation_prior(self.correlation_prior, "effects.correlation")
        for name, prior in self.residual_priors:
            check_prior(prior, f"residual.{name}")
            if not is_positive(prior):
                raise ModelError(f"residual.{name}: a standard deviation needs a prior of positive values")


@dataclass(frozen=True)
class LinkTerm:
    """A link and the prior of its coefficients."""

    link: Link
    prior: Prior


@dataclass(frozen=True)
class HazardPart:
    """The hazard of one kind of event: baseline, covariates, and links to the trajectory.

    ``nodes`` is the number of quadrature nodes per stretch of the baseline hazard; used only with links that move
    with time.
    """

    hazard: Hazard
    event: str = "death"
    covariates: tuple[str, ...] = ()
    links: tuple[LinkTerm, ...] = ()
    parameter_priors: tuple[tuple[str, Prior], ...] = ()
    beta_prior: Prior = HAZARD_COVARIATE_PRIOR
    nodes: int = 32

    @property
    def time_varying(self) -> bool:
        """Whether any link moves with time."""
        return any(not term.link.constant for term in self.links)

    def check(self, dynamics: DynamicsPart | None) -> None:
        """Raise `ModelError` when a link asks for what the dynamics do not give."""
        check_prior(self.beta_prior, f"{self.event}.beta")
        labels = {spec.name: spec.label for spec in self.hazard.parameters}
        for name, prior in self.parameter_priors:
            check_prior(prior, f"{self.event}.{labels[name]}")
        _check_once(self.covariates, "covariates of the hazard")
        _check_once([term.link.name for term in self.links], "links")
        for term in self.links:
            check_prior(term.prior, f"{self.event}.link[{term.link.name}]")
            check_link(term.link, dynamics)


def _check_once(names: Sequence[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"{what}: {list_briefly(twice)} stands twice in {list_briefly(names, 20)}")


def check_link(link: Link, dynamics: DynamicsPart | None) -> None:
    """Raise `IncompatiblePartsError` unless the dynamics provide what the link needs."""
    if dynamics is None:
        raise IncompatiblePartsError(
            f"the link {link.name!r} needs tumour dynamics; this model has none (--dynamics none)"
        )
    given = provides(dynamics.law) | ({"effects"} if dynamics.random else set())
    missing = link.needs - given
    if missing:
        raise IncompatiblePartsError(
            f"the link {link.name!r} needs {list_briefly(sorted(missing))}, which the law {dynamics.law.name!r} does "
            f"not provide (it provides {list_briefly(sorted(given), 10)}); take another link or another law"
        )


@dataclass(frozen=True)
class ModelParts:
    """The parts of a model together: what sites, likelihood and simulator read. `JointModel` adds what users call.

    Parameters
    ----------
    dynamics : tumour law, observation law and population of its parameters; None: a survival model.
    hazard : baseline hazard, covariates and links; None: tumour dynamics alone.
    covariates : how baseline columns enter wherever they are named.
    name : what the model is called in reports.

    Raises
    ------
    ModelError
        When both parts are left out, or the parts do not fit together (a link that the law does not support, an
        observation law that needs positive sizes, a prior that is not one).
    """

    dynamics: DynamicsPart | None
    hazard: HazardPart | None
    covariates: tuple[Covariate, ...] = ()
    name: str = field(default="model", compare=False)

    def __post_init__(self) -> None:
        if self.dynamics is None and self.hazard is None:
            raise ModelError("a model needs tumour dynamics or a hazard; both are left out")
        if self.dynamics is not None:
            self.dynamics.check()
        if self.hazard is not None:
            self.hazard.check(self.dynamics)

    def covariate_blocks(self) -> dict[str, tuple[str, ...]]:
        """Return the covariate columns of each dynamics parameter, and of ``"hazard"``."""
        blocks = {p.name: p.covariates for p in self.dynamics.parameters} if self.dynamics else {}
        if self.hazard is not None:
            blocks["hazard"] = self.hazard.covariates
        return blocks
