"""The durable class as data: patients whose tumour does not grow again, and who is likely to be one of them."""

from __future__ import annotations

from dataclasses import dataclass

from metachron.base import IncompatiblePartsError, Prior
from metachron.dynamics import LAWS
from metachron.joint.dynamics_part import DynamicsPart, check_covariates
from metachron.joint.priors import check_prior

DURABLE = "durable"

LOGIT_PRIOR = Prior(
    "normal",
    (-1.5, 1.5),
    "median 18 %, 95 % from 1 % to 81 %: with nivolumab 16 % of patients with lung cancer treated before were alive at "
    "5 years, most of them without progression; Gettinger 2018, doi:10.1200/JCO.2017.77.0412",
)
BETA_PRIOR = Prior("normal", (0.0, 1.5), "odds ratio of a durable response between 0.05 and 19 with 95 % probability")
CLASS_HAZARD_PRIOR = Prior(
    "normal", (0.0, 2.0), "hazard ratio of the class between 0.02 and 50 with 95 % probability, as for a covariate"
)


@dataclass(frozen=True)
class DurablePart:
    """A class of patients without growth, as after immunotherapy: the treatment alone acts from day 0 on.

    ``logit P(patient i is durable) = logit + z_i . beta``. The class is not observed: the likelihood of a patient is
    the mixture of both, and no class is ever sampled.

    Parameters
    ----------
    covariates : baseline columns z; ``a:b`` is an interaction, such as that of arm and marker.
    logit_prior : of the logit of the probability at the reference levels and centres of the covariates.
    beta_prior : of the log odds ratios of the covariates.
    hazard_prior : of the coefficient of the class in the log hazard of every event.
    """

    covariates: tuple[str, ...] = ()
    logit_prior: Prior = LOGIT_PRIOR
    beta_prior: Prior = BETA_PRIOR
    hazard_prior: Prior = CLASS_HAZARD_PRIOR

    def check(self, dynamics: DynamicsPart | None) -> None:
        """Raise `ModelError` when the dynamics have no growth that could vanish, or a part is not valid."""
        if dynamics is None:
            raise IncompatiblePartsError(
                "durable responders are patients whose tumour does not grow; this model has no tumour dynamics: name a "
                "law, or leave the class out"
            )
        if dynamics.law.vanishing_growth is None:
            raise IncompatiblePartsError(
                f"the law {dynamics.law.name!r} has no growth that could vanish while the treatment acts, so it knows "
                f"no durable responders; take one of {', '.join(_laws_with_growth())}"
            )
        check_covariates(self.covariates, "the durable class")
        check_prior(self.logit_prior, f"{DURABLE}.logit")
        check_prior(self.beta_prior, f"{DURABLE}.beta")
        check_prior(self.hazard_prior, f"<event>.{DURABLE}")


def _laws_with_growth() -> list[str]:
    return [name for name, law in LAWS.items() if law.vanishing_growth is not None]
