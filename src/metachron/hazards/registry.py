"""Every baseline hazard by its public name."""

from __future__ import annotations

from metachron.base import Registry
from metachron.hazards.exponential import Exponential
from metachron.hazards.gamma import Gamma
from metachron.hazards.gompertz import Gompertz
from metachron.hazards.hazard import Hazard
from metachron.hazards.log_logistic import LogLogistic
from metachron.hazards.log_normal import LogNormal
from metachron.hazards.m_spline import MSpline
from metachron.hazards.piecewise import Piecewise
from metachron.hazards.weibull import Weibull

HAZARDS: Registry[type[Hazard]] = Registry(
    "baseline hazard",
    {
        hazard.name: hazard
        for hazard in (Exponential, Weibull, Gompertz, LogLogistic, LogNormal, Gamma, Piecewise, MSpline)
    },
)
