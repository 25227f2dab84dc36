"""Links between a tumour trajectory and a hazard. A new link is one class and one line of `LINKS`."""

from metachron.base import Registry
from metachron.joint.links.constant import (
    LogGrowth,
    LogShrinkage,
    NewLesionFrailty,
    ResistantFraction,
    SharedEffects,
    TimeToGrowth,
)
from metachron.joint.links.current import Area, CurrentSize, CurrentValue, LogCurrentSize, RelativeChange, Slope
from metachron.joint.links.lesions import LargestLesion, LesionSum, NewLesionCount, OrganBurden, OrgansInvolved
from metachron.joint.links.link import GIVEN_BY_MODEL, Link, PatientState

_ALL: tuple[type[Link], ...] = (
    LogGrowth,
    LogShrinkage,
    TimeToGrowth,
    ResistantFraction,
    LogCurrentSize,
    CurrentValue,
    CurrentSize,
    Slope,
    RelativeChange,
    Area,
    SharedEffects,
    NewLesionFrailty,
    LesionSum,
    LargestLesion,
    OrganBurden,
    OrgansInvolved,
    NewLesionCount,
)
LINKS: Registry[type[Link]] = Registry("link", {link.name: link for link in _ALL})

__all__ = ["GIVEN_BY_MODEL", "LINKS", "Link", "PatientState", *(link.__name__ for link in _ALL)]
