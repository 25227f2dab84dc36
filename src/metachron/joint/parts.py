"""The parts a joint model is composed of, as data: parameters of the dynamics, covariates, the hazard and its links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from metachron.base import IncompatiblePartsError, ModelError, ParameterSpec, Prior, Transform, list_briefly
from metachron.cohort.new_lesions import NEW_LESION, Clock, Timing
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
FRAILTY_PRIOR = Prior("half_normal", (1.0,), "rates of new lesions of patients differ by a factor of up to 7 or so")
NEW_LESION_ORGAN_PRIOR = Prior("normal", (0.0, 1.5), "rates in two organs differ by a factor of up to 64, with 95 %")
FRAILTY = ParameterSpec(
    "new_lesion_frailty", Transform.IDENTITY, "log rate", "how much more often than others the patient has new lesions",
    Prior("normal", (0.0, 1.0), "centred: its mean is 0, and no parameter"),
    source="Krol 2016, doi:10.1111/biom.12490",
)  # fmt: skip
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
    centred : whether the mean is 0 and no parameter: of a frailty.
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
    centred: bool = False

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

    def check(self, dynamics: DynamicsPart | None, *, frailty: bool) -> None:
        """Raise `ModelError` when a link asks for what the dynamics do not give, or a frailty that there is not."""
        check_prior(self.beta_prior, f"{self.event}.beta")
        labels = {spec.name: spec.label for spec in self.hazard.parameters}
        for name, prior in self.parameter_priors:
            check_prior(prior, f"{self.event}.{labels[name]}")
        _check_once(self.covariates, "covariates of the hazard")
        _check_once([term.link.name for term in self.links], "links")
        for term in self.links:
            check_prior(term.prior, f"{self.event}.link[{term.link.name}]")
            check_link(term.link, dynamics, frailty=frailty)


@dataclass(frozen=True)
class NewLesionPart:
    """The appearance of new lesions: a recurrent process of each patient, with an organ for every lesion.

    ``intensity in all organs at t = baseline(clock) exp(covariates + links at t + frailty of the patient)``, and a new
    lesion is in organ o with probability proportional to exp(effect of o).

    Parameters
    ----------
    hazard : baseline, covariates and links; its event is ``new_lesion``.
    clock : ``"calendar"`` (from day 0) or ``"gap"`` (from the last detection); what the baseline counts from.
    timing : whether times are taken ``"as-recorded"`` or ``"between-visits"``.
    frailty_prior : of the standard deviation of the patients' frailties, normal about 0; None: there are none.
    organ : effects of the organ in which a lesion appears: ``"none"``, ``"all"`` or ``"arm"``. There are none where all
        new lesions are in one organ.
    organ_prior : of the effects of organs.
    """

    hazard: HazardPart
    clock: Clock = "calendar"
    timing: Timing = "as-recorded"
    frailty_prior: Prior | None = FRAILTY_PRIOR
    organ: OrganEffects = "all"
    organ_prior: Prior = NEW_LESION_ORGAN_PRIOR

    @property
    def frailty(self) -> ParameterModel | None:
        """The frailty as a patient effect about 0."""
        if self.frailty_prior is None:
            return None
        spec, prior = FRAILTY, self.frailty_prior
        return ParameterModel(spec, "all", True, "all", False, (), spec.prior, prior, spec.prior, centred=True)

    def check(self, dynamics: DynamicsPart | None) -> None:
        """Raise `ModelError` when the parts do not fit together."""
        self.hazard.check(dynamics, frailty=False)
        if self.hazard.event != NEW_LESION:
            raise ModelError(f"the process of new lesions is of the event {NEW_LESION!r}; found {self.hazard.event!r}")
        if self.clock == "gap" and self.timing == "between-visits":
            raise ModelError(
                "gap time restarts at the visit of detection, so that times between visits are not for it: use "
                "clock = 'calendar', or timing = 'as-recorded'"
            )
        check_prior(self.organ_prior, f"{NEW_LESION}.organ")
        if (prior := self.frailty_prior) is not None:
            check_prior(prior, f"{FRAILTY.label}.sd")
            if not is_positive(prior):
                raise ModelError(f"{FRAILTY.label}.sd: a standard deviation needs a prior of positive values")


def _check_once(names: Sequence[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"{what}: {list_briefly(twice)} stands twice in {list_briefly(names, 20)}")


def check_link(link: Link, dynamics: DynamicsPart | None, *, frailty: bool = False) -> None:
    """Raise `IncompatiblePartsError` unless the model provides what the link needs."""
    if "frailty" in link.needs and not frailty:
        raise IncompatiblePartsError(
            f"the link {link.name!r} ties death to the frailty of the new-lesion process; this model has none: add "
            "[new_lesions] to the model file (--new-lesions weibull)"
        )
    needs = link.needs - {"frailty"}
    if needs and dynamics is None:
        raise IncompatiblePartsError(
            f"the link {link.name!r} needs tumour dynamics; this model has none (--dynamics none)"
        )
    given = provides(dynamics.law) | ({"effects"} if dynamics.random else set()) if dynamics else frozenset()
    if missing := needs - given:
        assert dynamics is not None
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
    new_lesions : the process by which new lesions appear; None: they are not modelled.

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
    new_lesions: NewLesionPart | None = None

    def __post_init__(self) -> None:
        if self.dynamics is None and self.hazard is None and self.new_lesions is None:
            raise ModelError("a model needs tumour dynamics, a hazard or new lesions; all are left out")
        if self.dynamics is not None:
            self.dynamics.check()
        if self.new_lesions is not None:
            self.new_lesions.check(self.dynamics)
        if self.hazard is not None:
            self.hazard.check(self.dynamics, frailty=self.frailty is not None)

    @property
    def frailty(self) -> ParameterModel | None:
        """The frailty of the new-lesion process, where there is one."""
        return self.new_lesions.frailty if self.new_lesions else None

    @property
    def random(self) -> tuple[ParameterModel, ...]:
        """The patient effects: those of the dynamics, and the frailty last."""
        dynamics = self.dynamics.random if self.dynamics else ()
        return dynamics if self.frailty is None else (*dynamics, self.frailty)

    @property
    def new_lesion_model(self) -> ModelParts:
        """The process of new lesions in the place of the hazard: what the terms of a hazard are computed from."""
        assert self.new_lesions is not None
        return ModelParts(self.dynamics, self.new_lesions.hazard)

    def covariate_blocks(self) -> dict[str, tuple[str, ...]]:
        """Return the covariate columns of each dynamics parameter, of ``"hazard"`` and of ``"new_lesion"``."""
        blocks = {p.name: p.covariates for p in self.dynamics.parameters} if self.dynamics else {}
        if self.hazard is not None:
            blocks["hazard"] = self.hazard.covariates
        if self.new_lesions is not None:
            blocks[NEW_LESION] = self.new_lesions.hazard.covariates
        return blocks
