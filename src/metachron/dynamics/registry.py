"""The tumour laws by name: a new law is one file and one line here; the conformance tests pick it up."""

from __future__ import annotations

from metachron.base import Registry
from metachron.dynamics.claret_bruno import ClaretBruno
from metachron.dynamics.generalised_stein_fojo import GeneralisedSteinFojo
from metachron.dynamics.gompertz import Gompertz
from metachron.dynamics.law import Law
from metachron.dynamics.random_slope import RandomSlope
from metachron.dynamics.stein_fojo import SteinFojo
from metachron.dynamics.wang import Wang

LAWS: Registry[Law] = Registry(
    "tumour law",
    {
        law.name: law
        for law in (
            RandomSlope("mm"),
            RandomSlope("log"),
            RandomSlope("boxcox"),
            SteinFojo(),
            GeneralisedSteinFojo(),
            ClaretBruno(),
            Wang(),
            Gompertz(),
        )
    },
)
"""Instances, ready for use."""
