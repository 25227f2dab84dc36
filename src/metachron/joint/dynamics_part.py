"""Tumour dynamics as data: a law, how sizes scatter about it, and the population of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from metachron.base import ModelError, ParameterSpec, Prior, list_briefly
from metachron.dynamics import Law
from metachron.joint.horseshoe import check_beta_prior
from metachron.joint.observation import Observation
from metachron.joint.priors import check_correlation_prior, check_prior, is_positive

Group = Literal["all", "arm", "study-arm"]
OrganEffects = Literal["none", "all", "arm"]

CORRELATION_PRIOR = Prior("lkj", (2.0,), "mildly favours correlations away from -1 and 1; Lewandowski 2009")


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
        for what, prior in (("mean", self.mean_prior), ("sd", self.spread_prior)):
            check_prior(prior, f"{self.label}.{what}")
        check_beta_prior(self.beta_prior, f"{self.label}.beta")
        if not is_positive(self.spread_prior):
            raise ModelError(f"{self.label}.sd: a standard deviation needs a prior of positive values, not normal")
        given = ("arm",) if self.group in ("arm", "study-arm") else ()
        check_covariates(self.covariates, self.name, given=given)


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


def columns_of(term: str) -> tuple[str, ...]:
    """Return the baseline columns of a covariate: one, or those of an interaction ``a:b``."""
    return tuple(term.split(":"))


def check_covariates(terms: Sequence[str], what: str, *, given: Sequence[str] = ()) -> None:
    """Raise `ModelError` for a covariate named twice, or an interaction without the effects of its columns.

    Parameters
    ----------
    what : of what they are the covariates.
    given : columns whose effects are there without being named.
    """
    check_once(terms, f"covariates of {what}")
    for term in terms:
        columns = columns_of(term)
        if absent := [column for column in columns if len(columns) > 1 and column not in (*terms, *given)]:
            raise ModelError(
                f"covariates of {what}: the interaction {term!r} needs the effect of {list_briefly(absent)} too, or it "
                "would stand for both; name it as a covariate"
            )


def check_once(names: Sequence[str], what: str) -> None:
    """Raise `ModelError` when a name stands twice; ``what`` says of what they are the names."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"{what}: {list_briefly(twice)} stands twice in {list_briefly(names, 20)}")
