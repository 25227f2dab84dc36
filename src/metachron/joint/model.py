"""The joint model: one object from which every engine, the simulator and the forecaster take their density."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from jaxtyping import Array, Float

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.joint.bind import bind
from metachron.joint.defaults import exchange_hazard, exchange_law, exchange_links, exchange_observation
from metachron.joint.design import Binding, Design, Dims, Labels
from metachron.joint.dynamics_part import DynamicsPart
from metachron.joint.likelihood import log_likelihood, log_likelihood_by_class, log_likelihood_by_patient
from metachron.joint.model_file import read_toml, write_toml
from metachron.joint.parts import ModelParts
from metachron.joint.process_parts import HazardPart
from metachron.joint.simulate import VisitPlan, simulate
from metachron.joint.sites import Site, list_sites
from metachron.joint.vector import Values, unpack


@dataclass(frozen=True)
class JointModel(ModelParts):
    """A joint model of tumour size, an event and new lesions; any part may be left out. Patients may be of two classes.

    It composes its parts (see `ModelParts`) and holds no data: ``bind(cohort)`` gives the arrays that `log_density`
    takes.

    Examples
    --------
    >>> from metachron.joint import compose
    >>> model = compose(dynamics="stein-fojo", hazard="weibull", links=["log-growth"])
    >>> model.replace(links=["slope"]).hazard.links[0].link.name
    'slope'
    """

    def bind(self, cohort: Cohort, labels: Labels | None = None) -> Binding:
        """Return the arrays of a cohort; with ``labels`` of a fit, its arms, codings, knots and limit are kept."""
        return bind(self, cohort, labels)

    def sites(self, dims: Dims) -> tuple[Site, ...]:
        """Return the population parameters."""
        return list_sites(self, dims)

    def log_density(self, vector: Float[Array, " free"], design: Design, dims: Dims) -> Float[Array, ""]:
        """Return the log posterior density, up to a constant, at an unconstrained vector."""
        values, prior = unpack(vector, self, dims)
        return prior + log_likelihood(self, values, design, dims)

    def log_likelihood_by_class(self, values: Values, design: Design, dims: Dims) -> Float[Array, "class patient"]:
        """Return, for a model with a durable class, log P(class) plus each patient's log likelihood in it.

        With growth first, durable second: their difference is the log odds to be durable given data and effects.
        """
        return log_likelihood_by_class(self, values, design, dims)

    def log_likelihood_by_patient(self, values: Values, design: Design, dims: Dims) -> Float[Array, " patient"]:
        """Return each patient's log likelihood given population parameters and effects; padding gives 0."""
        return log_likelihood_by_patient(self, values, design, dims) * design.patient_weight

    def replace(
        self,
        *,
        dynamics: str | DynamicsPart | None = None,
        hazard: str | HazardPart | None = None,
        links: Iterable[str] | None = None,
        observation: str | None = None,
    ) -> JointModel:
        """Return the model with another law, hazard, observation law or other links, named as in the registries.

        What is not named stays: covariates and groups of parameters that both laws share, links that both have.
        """
        part, event = self.dynamics, self.hazard
        if dynamics is not None:
            part = exchange_law(part, dynamics) if isinstance(dynamics, str) else dynamics
        if observation is not None:
            if part is None:
                raise ModelError("an observation law needs tumour dynamics; this model has none")
            part = exchange_observation(part, observation)
        if hazard is not None:
            event = exchange_hazard(event, hazard) if isinstance(hazard, str) else hazard
        if links is not None:
            if event is None:
                raise ModelError("links need a hazard; this model has none")
            event = exchange_links(event, links)
        return replace(self, dynamics=part, hazard=event)

    def simulate(
        self, parameters: Mapping[str, Any], patients: pl.DataFrame, plan: VisitPlan, *, seed: int, **options: Any
    ) -> Cohort:
        """Return a cohort drawn from the model on a visit plan; see `metachron.joint.simulate.simulate`."""
        return simulate(self, parameters, patients, plan, seed=seed, **options)

    def describe(self) -> str:
        """Return the model in one line."""
        said = []
        if (part := self.dynamics) is not None:
            sizes = {"sum": "sums of diameters", "lesion": "single lesions"}[part.size]
            said.append(f"{part.law.name} for {sizes}, {part.observation.name} scatter")
        if (event := self.hazard) is not None:
            links = ", ".join(term.link.name for term in event.links) or "none"
            said.append(f"{event.hazard.name} hazard of {event.event}, links: {links}")
        if (process := self.new_lesions) is not None:
            links = ", ".join(term.link.name for term in process.hazard.links) or "none"
            said.append(f"{process.hazard.hazard.name} rate of new lesions in {process.clock} time, links: {links}")
        if self.durable is not None:
            by = f" by {', '.join(self.durable.covariates)}" if self.durable.covariates else ""
            said.append(f"a class of durable responders{by}")
        return "; ".join(said)

    def to_toml(self) -> str:
        """Return the resolved model file: every choice and prior written out."""
        return write_toml(self)

    @classmethod
    def from_toml(cls, text: str, file: str = "model.toml") -> JointModel:
        """Return the model that a model file describes; what it leaves out takes the documented defaults."""
        parts = read_toml(text, file)
        return cls(
            parts.dynamics, parts.hazard, parts.covariates, name=parts.name, new_lesions=parts.new_lesions,
            durable=parts.durable,
        )  # fmt: skip

    @classmethod
    def read(cls, path: str | Path) -> JointModel:
        """Return the model described by a file."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"model file {path}: cannot be read ({error}); give the path of a TOML file") from error
        return cls.from_toml(text, str(path))
