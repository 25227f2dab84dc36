"""Baseline hazards: log hazard and closed-form cumulative hazard, time in years, knots passed as data."""

from metachron.hazards.exponential import Exponential
from metachron.hazards.gamma import Gamma
from metachron.hazards.gompertz import Gompertz
from metachron.hazards.hazard import Hazard, Psi
from metachron.hazards.inverse import inverse_cumulative, invert_cumulative
from metachron.hazards.knots import KnottedHazard, default_knots
from metachron.hazards.log_logistic import LogLogistic
from metachron.hazards.log_normal import LogNormal
from metachron.hazards.m_spline import MSpline
from metachron.hazards.piecewise import Piecewise
from metachron.hazards.registry import HAZARDS
from metachron.hazards.weibull import Weibull

__all__ = [
    "HAZARDS",
    "Exponential",
    "Gamma",
    "Gompertz",
    "Hazard",
    "KnottedHazard",
    "LogLogistic",
    "LogNormal",
    "MSpline",
    "Piecewise",
    "Psi",
    "Weibull",
    "default_knots",
    "inverse_cumulative",
    "invert_cumulative",
]
