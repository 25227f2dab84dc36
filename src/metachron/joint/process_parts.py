"""What happens in time, as data: the hazard of an event, the process of new lesions, and their links."""

from __future__ import annotations

from dataclasses import dataclass

from metachron.base import IncompatiblePartsError, ModelError, ParameterSpec, Prior, Transform, list_briefly
from metachron.cohort.new_lesions import NEW_LESION, Clock, Timing
from metachron.dynamics import provides
from metachron.hazards import Hazard
from metachron.joint.dynamics_part import DynamicsPart, OrganEffects, ParameterModel, check_covariates, check_once
from metachron.joint.horseshoe import check_beta_prior
from metachron.joint.links import GIVEN_BY_MODEL, Link
from metachron.joint.priors import check_prior, is_positive

HAZARD_COVARIATE_PRIOR = Prior("normal", (0.0, 2.0), "hazard ratio between 0.02 and 50 with 95 % prior probability")
FRAILTY_PRIOR = Prior("half_normal", (1.0,), "rates of new lesions of patients differ by a factor of up to 7 or so")
NEW_LESION_ORGAN_PRIOR = Prior("normal", (0.0, 1.5), "rates in two organs differ by a factor of up to 64, with 95 %")
FRAILTY = ParameterSpec(
    "new_lesion_frailty", Transform.IDENTITY, "log rate", "how much more often than others the patient has new lesions",
    Prior("normal", (0.0, 1.0), "centred: its mean is 0, and no parameter"),
    source="Krol 2016, doi:10.1111/biom.12490",
)  # fmt: skip


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
        check_beta_prior(self.beta_prior, f"{self.event}.beta")
        labels = {spec.name: spec.label for spec in self.hazard.parameters}
        for name, prior in self.parameter_priors:
            check_prior(prior, f"{self.event}.{labels[name]}")
        check_covariates(self.covariates, "the hazard")
        check_once([term.link.name for term in self.links], "links")
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
        if any("new_lesion_days" in term.link.needs for term in self.hazard.links):
            raise ModelError(
                "the link 'new-lesion-count' is one of death; how prone a patient is to new lesions is the frailty"
            )
        check_prior(self.organ_prior, f"{NEW_LESION}.organ")
        if (prior := self.frailty_prior) is not None:
            check_prior(prior, f"{FRAILTY.label}.sd")
            if not is_positive(prior):
                raise ModelError(f"{FRAILTY.label}.sd: a standard deviation needs a prior of positive values")


def check_link(link: Link, dynamics: DynamicsPart | None, *, frailty: bool = False) -> None:
    """Raise `IncompatiblePartsError` unless the model provides what the link needs."""
    if "frailty" in link.needs and not frailty:
        raise IncompatiblePartsError(
            f"the link {link.name!r} ties death to the frailty of the new-lesion process; this model has none: add "
            "[new_lesions] to the model file (--new-lesions weibull)"
        )
    if "lesions" in link.needs and (dynamics is None or dynamics.size != "lesion"):
        raise IncompatiblePartsError(
            f"the link {link.name!r} looks at the lesions of a patient one by one; this model has not got them: set "
            "size = 'lesion' under [dynamics] (--size lesion). Of sums, log-current-size and current-size are the same"
        )
    needs = link.needs - (GIVEN_BY_MODEL - {"effects"})
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
