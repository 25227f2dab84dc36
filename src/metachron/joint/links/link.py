"""What a link is: a covariate of the log hazard made from a patient's trajectory."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metachron.base import ModelError, Prior
from metachron.dynamics import Law, Trajectory, provides
from metachron.joint.lesion_table import Lesions


@dataclass(frozen=True)
class PatientState:
    """What a link may look at: the trajectory of a patient and the patient's random effects.

    Parameters
    ----------
    tumour : law and parameters of the trajectory; arrays of shape (patient, 1) to broadcast against times (patient,
        node). None without tumour dynamics.
    effects : patient effects of the dynamics on the transform scale, keyed by parameter name, same shape.
    frailty : of the process of new lesions, same shape; None without one.
    lesions : of each patient, where sizes are modelled lesion by lesion and a link asks for them.
    seen_year : when new lesions of each patient were found, where a link asks for it; inf for none.
    durable : 1 for patients of the durable class and 0 for others, same shape as effects, where a model has the class.
    """

    tumour: Trajectory | None
    effects: Mapping[str, Float[Array, "patient 1"]]
    frailty: Float[Array, "patient 1"] | None = None
    lesions: Lesions | None = None
    seen_year: Float[Array, "patient lesion"] | None = None
    durable: Float[Array, "patient 1"] | None = None

    @property
    def trajectory(self) -> Trajectory:
        """The trajectory, for a link that needs one: `ModelParts` has seen to it that there is."""
        assert self.tumour is not None
        return self.tumour

    @property
    def lesion_sites(self) -> Int[Array, "patient lesion"]:
        """The organ of every lesion, as index in `metachron.cohort.schema.ORGANS`."""
        return self._lesions.site

    def lesion_sizes_mm(self, time_year: Float[Array, "patient node"]) -> Float[Array, "patient lesion node"]:
        """Return the sizes of a patient's lesions in mm, 0 for padding."""
        own = self._lesions
        psi = {name: value[..., None] for name, value in own.psi.items()}
        sizes = Trajectory(self.trajectory.law, psi).size_mm(time_year[:, None, :])
        return jnp.maximum(sizes, 0.0) * own.weight[..., None]

    def new_lesions_before(self, time_year: Float[Array, "patient node"]) -> Float[Array, "patient node"]:
        """Return how many new lesions a patient has had found before each time."""
        if self.seen_year is None:
            raise ModelError(
                "the link new-lesion-count needs the days on which new lesions are found, and of these patients or "
                "times they are not known: this prediction cannot be made; tie death to the frailty instead "
                "(new-lesion-frailty)"
            )
        return jnp.sum(time_year[..., None] > self.seen_year[:, None, :], axis=-1).astype(time_year.dtype)

    @property
    def _lesions(self) -> Lesions:
        if self.lesions is None:
            raise ModelError(
                "a link of this model looks at all lesions of a patient, and here there are patients without their "
                "lesions: this prediction needs to know which lesions, in which organs, the patients have"
            )
        return self.lesions


GIVEN_BY_MODEL = frozenset({"effects", "frailty", "lesions", "new_lesion_days"})
"""What links may need that is not a matter of the tumour law but of the other parts of a model."""


class Link(abc.ABC):
    """A covariate of the log hazard. Subclasses are frozen dataclasses: hashable, without arrays.

    ``needs`` names properties that the law must provide (`metachron.dynamics.provides`), or other parts of the model
    (`GIVEN_BY_MODEL`); ``constant`` says that the
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

    @classmethod
    def fits(cls, law: Law) -> bool:
        """Return whether a law provides what the link needs of it."""
        return cls.needs - GIVEN_BY_MODEL <= provides(law)

    def coefficients(self, effects: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the coefficients, one per column of `values`; ``effects`` are the random parameters."""
        return (self.name,)

    def without_growth(self, effects: tuple[str, ...], growth: str) -> tuple[float | None, ...]:
        """Return, per coefficient, the value that stands in where a patient of the durable class has no growth.

        None where the value follows from the trajectory without growth. ``growth`` is the label of the growth
        parameter. What the stand-in leaves out is taken up by the coefficient of the class, ``<event>.durable``.
        """
        return (None,) * len(self.coefficients(effects))

    @abc.abstractmethod
    def values(
        self, state: PatientState, time_year: Float[Array, "patient node"]
    ) -> tuple[Float[Array, "patient node"], ...]:
        """Return one array per coefficient; shape (patient, 1) where the link is constant."""
