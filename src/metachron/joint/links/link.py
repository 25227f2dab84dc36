"""What a link is: a covariate of the log hazard made from a patient's trajectory."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from jaxtyping import Array, Float

from metachron.base import ModelError, Prior
from metachron.dynamics import Trajectory


@dataclass(frozen=True)
class PatientState:
    """What a link may look at: the trajectory of a patient and the patient's random effects.

    Parameters
    ----------
    tumour : law and parameters of the trajectory; arrays of shape (patient, 1) to broadcast against times (patient,
        node). None without tumour dynamics.
    effects : patient effects of the dynamics on the transform scale, keyed by parameter name, same shape.
    frailty : of the process of new lesions, same shape; None without one.
    """

    tumour: Trajectory | None
    effects: Mapping[str, Float[Array, "patient 1"]]
    frailty: Float[Array, "patient 1"] | None = None

    @property
    def trajectory(self) -> Trajectory:
        """The trajectory, for a link that needs one: `ModelParts` has seen to it that there is."""
        assert self.tumour is not None
        return self.tumour


class Link(abc.ABC):
    """A covariate of the log hazard. Subclasses are frozen dataclasses: hashable, without arrays.

    ``needs`` names properties that the law must provide (`metachron.dynamics.provides`); ``constant`` says that the
    value does not move with time, so that the cumulative hazard stays in closed form; ``unit`` is what one unit of
    the value means, so that exp(coefficient) reads as the hazard ratio per that unit.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    constant: ClassVar[bool]
    unit: ClassVar[str]
    meaning: ClassVar[str]
    prior: ClassVar[Prior]
    clinical_step: ClassVar[tuple[float, str]]
    """A step of the value that a clinician reads, and its words: the report gives the hazard ratio for it."""

    def __post_init__(self) -> None:
        for option in fields(self):  # type: ignore[arg-type]
            if not 0 < getattr(self, option.name) < math.inf:
                raise ModelError(
                    f"link {self.name!r}: {option.name} must be above 0 and finite; found {getattr(self, option.name)}"
                )

    def coefficients(self, effects: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the coefficients, one per column of `values`; ``effects`` are the random parameters."""
        return (self.name,)

    @abc.abstractmethod
    def values(
        self, state: PatientState, time_year: Float[Array, "patient node"]
    ) -> tuple[Float[Array, "patient node"], ...]:
        """Return one array per coefficient; shape (patient, 1) where the link is constant."""
