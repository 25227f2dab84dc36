"""Tumour dynamics: laws of size over time, their working scales, and trajectories with what follows from them."""

from metachron.dynamics.claret_bruno import ClaretBruno
from metachron.dynamics.generalised_stein_fojo import GeneralisedSteinFojo
from metachron.dynamics.gompertz import Gompertz
from metachron.dynamics.law import Law, Psi, provides
from metachron.dynamics.random_slope import RandomSlope
from metachron.dynamics.registry import LAWS
from metachron.dynamics.scale import SCALES, BoxCoxScale, LinearScale, LogScale, Scale
from metachron.dynamics.stein_fojo import SteinFojo
from metachron.dynamics.trajectory import Trajectory
from metachron.dynamics.wang import Wang

__all__ = [
    "LAWS",
    "SCALES",
    "BoxCoxScale",
    "ClaretBruno",
    "GeneralisedSteinFojo",
    "Gompertz",
    "Law",
    "LinearScale",
    "LogScale",
    "Psi",
    "RandomSlope",
    "Scale",
    "SteinFojo",
    "Trajectory",
    "Wang",
    "provides",
]
