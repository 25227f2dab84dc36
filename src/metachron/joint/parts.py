"""The parts of a joint model together: what sites, likelihood and simulator read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from metachron.base import ModelError
from metachron.cohort.new_lesions import NEW_LESION
from metachron.joint.durable_part import DURABLE, DurablePart
from metachron.joint.dynamics_part import DynamicsPart, ParameterModel, columns_of
from metachron.joint.process_parts import HazardPart, NewLesionPart


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
class ModelParts:
    """The parts of a model together: what sites, likelihood and simulator read. `JointModel` adds what users call.

    Parameters
    ----------
    dynamics : tumour law, observation law and population of its parameters; None: a survival model.
    hazard : baseline hazard, covariates and links; None: tumour dynamics alone.
    covariates : how baseline columns enter wherever they are named.
    name : what the model is called in reports.
    new_lesions : the process by which new lesions appear; None: they are not modelled.
    durable : a class of patients whose tumour does not grow again; None: there is none.

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
    durable: DurablePart | None = None

    def __post_init__(self) -> None:
        if self.dynamics is None and self.hazard is None and self.new_lesions is None:
            raise ModelError("a model needs tumour dynamics, a hazard or new lesions; all are left out")
        if self.dynamics is not None:
            self.dynamics.check()
        if self.durable is not None:
            self.durable.check(self.dynamics)
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
    def processes(self) -> tuple[HazardPart, ...]:
        """What happens in time: the hazard, and the rate of new lesions, as far as the model has them."""
        new = None if self.new_lesions is None else self.new_lesions.hazard
        return tuple(part for part in (self.hazard, new) if part is not None)

    @property
    def new_lesion_model(self) -> ModelParts:
        """The process of new lesions in the place of the hazard: what the terms of a hazard are computed from."""
        assert self.new_lesions is not None
        return ModelParts(self.dynamics, self.new_lesions.hazard, durable=self.durable)

    @property
    def single_lesions(self) -> bool:
        """Whether sizes are modelled lesion by lesion."""
        return self.dynamics is not None and self.dynamics.size == "lesion"

    @property
    def looks_at_lesions(self) -> bool:
        """Whether a link looks at all lesions of a patient."""
        return self._looks_at("lesions")

    @property
    def counts_new_lesions(self) -> bool:
        """Whether a link looks at the number of new lesions found so far."""
        return self._looks_at("new_lesion_days")

    def _looks_at(self, need: str) -> bool:
        return any(need in term.link.needs for part in self.processes for term in part.links)

    @property
    def covariate_columns(self) -> list[str]:
        """The baseline columns that covariates and their interactions name, each once."""
        terms = (term for block in self.covariate_blocks().values() for term in block)
        return sorted({column for term in terms for column in columns_of(term)})

    def covariate_blocks(self) -> dict[str, tuple[str, ...]]:
        """Return the covariates of each dynamics parameter, of ``"hazard"``, ``"new_lesion"`` and ``"durable"``.

        ``a:b`` is the interaction of two columns.
        """
        blocks = {p.name: p.covariates for p in self.dynamics.parameters} if self.dynamics else {}
        if self.hazard is not None:
            blocks["hazard"] = self.hazard.covariates
        if self.new_lesions is not None:
            blocks[NEW_LESION] = self.new_lesions.hazard.covariates
        if self.durable is not None:
            blocks[DURABLE] = self.durable.covariates
        return blocks
