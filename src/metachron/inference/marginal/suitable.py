"""Which models the marginal engine is for."""

from __future__ import annotations

from metachron.joint import JointModel
from metachron.joint.horseshoe import horseshoe_blocks
from metachron.joint.size_summary import can_summarise

MAX_EFFECTS = 6


def why_not(model: JointModel) -> str | None:
    """Return why the marginal engine cannot fit this model, or None when it can."""
    if shrunk := horseshoe_blocks(model):
        return (
            f"{', '.join(shrunk)} has the prior horseshoe: its density is not near normal at any scale, and the "
            "likelihood alone says nothing of its scales"
        )
    return why_not_integrate(model)


def why_not_integrate(model: JointModel) -> str | None:
    """Return why patient effects of this model cannot be integrated out at given population parameters, or None."""
    if not model.random:
        return "it has no patient effects to integrate out"
    if model.looks_at_lesions or model.counts_new_lesions:
        return (
            "a link looks at all lesions of a patient, or at the number of new ones: given the patient's effects they "
            "are not independent, and the integral has the dimension of all of them"
        )
    if model.single_lesions and model.durable is not None:
        return (
            "sizes are lesion by lesion and patients of two classes: nodes of lesions are placed for trajectories with "
            "growth alone"
        )
    if model.single_lesions and (reason := _why_not_lesions(model)):
        return reason
    if len(model.random) > MAX_EFFECTS:
        return f"it has {len(model.random)} patient effects, and nodes cover at most {MAX_EFFECTS}"
    return None


def _why_not_lesions(model: JointModel) -> str | None:
    """Return why effects of single lesions cannot be integrated out within those of their patient, or None."""
    part = model.dynamics
    assert part is not None
    if not part.lesion:
        return "its lesions differ by nothing but their organ"
    for parameter in part.parameters:
        if not parameter.random:
            return f"{parameter.label} has no patient effects, so that lesions would move with population parameters"
        if parameter in part.organ and not parameter.lesion:
            return f"{parameter.label} has effects of organs but not of lesions"
    if not can_summarise(model):
        return f"the {part.observation.name} scatter of single lesions has more than one parameter"
    return None
