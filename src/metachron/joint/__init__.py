"""Joint models: links, observation laws, populations, and the one object every engine takes its density from."""

import jax

from metachron.joint.compose import compose
from metachron.joint.design import Binding, Design, Dims, Labels
from metachron.joint.durable_part import DurablePart
from metachron.joint.dynamics_part import DynamicsPart, ParameterModel
from metachron.joint.grid import Candidate, model_grid
from metachron.joint.horseshoe import horseshoe_prior
from metachron.joint.links import LINKS, Link
from metachron.joint.model import JointModel
from metachron.joint.observation import OBSERVATIONS, Observation
from metachron.joint.parts import Covariate
from metachron.joint.process_parts import HazardPart, LinkTerm, NewLesionPart
from metachron.joint.simulate import VisitPlan, simulate
from metachron.joint.sites import Site
from metachron.joint.trial_tables import patients_in_arms
from metachron.joint.vector import Values

jax.config.update("jax_enable_x64", True)

__all__ = [
    "LINKS",
    "OBSERVATIONS",
    "Binding",
    "Candidate",
    "Covariate",
    "Design",
    "Dims",
    "DurablePart",
    "DynamicsPart",
    "HazardPart",
    "JointModel",
    "Labels",
    "Link",
    "LinkTerm",
    "NewLesionPart",
    "Observation",
    "ParameterModel",
    "Site",
    "Values",
    "VisitPlan",
    "compose",
    "horseshoe_prior",
    "model_grid",
    "patients_in_arms",
    "simulate",
]
