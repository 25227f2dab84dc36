"""Population of the parameters, engine and diagnostics: defaults and thresholds, read off the code."""

from __future__ import annotations

import numpy as np
from scipy.special import hyp1f1

from metachron.base.quadrature import gauss_legendre, power_rule
from metachron.dynamics import LAWS
from metachron.inference import diagnostics, nuts
from metachron.joint import compose
from metachron.joint.dynamics_part import CORRELATION_PRIOR
from metachron.joint.hazard_terms import POWER
from metachron.joint.process_parts import HAZARD_COVARIATE_PRIOR, HazardPart
from tables.markdown import code, codes, number, table, text
from tables.priors import shown

_SHAPES = (0.3, 0.5, 0.7, 1.0, 1.3, 2.0, 5.0)
_FACTORS = (-20.0, 20.0)
NODES = HazardPart.nodes


def population_priors() -> str:
    """Return the priors of spreads, covariate effects and correlations, with the Stein-Fojo law as example."""
    part = compose(dynamics="stein-fojo").dynamics
    hazard = compose(dynamics=None).hazard
    if part is None or hazard is None:
        raise RuntimeError("the default model has lost a part")
    growth = next(p for p in part.parameters if p.name == "growth_per_year")
    rows = [
        [code(f"{growth.label}.sd"), shown(growth.spread_prior), text(growth.spread_prior.reason)],
        [code(f"{growth.label}.beta[column]"), shown(growth.beta_prior), text(growth.beta_prior.reason)],
        [code("effects.correlation"), shown(CORRELATION_PRIOR), text(CORRELATION_PRIOR.reason)],
        [code("death.beta[column]"), shown(HAZARD_COVARIATE_PRIOR), text(HAZARD_COVARIATE_PRIOR.reason)],
    ]
    return table(["for example", "prior", "reason"], rows)


def groups() -> str:
    """Return which parameters have a mean per arm by default."""
    rows = []
    for name in LAWS:
        part = compose(dynamics=name).dynamics
        if part is None:
            raise RuntimeError(f"the law {name} has lost its population")
        by = {group: [p.name for p in part.parameters if p.group == group] for group in ("all", "arm")}
        rows.append([code(name), codes(by["all"]), codes(by["arm"]), code(part.observation.name)])
    return table(["law", "one mean", "mean by arm", "observation law"], rows)


def sampler() -> str:
    """Return the fixed settings of the sampler."""
    rows = [
        ["steps in a chunk", number(nuts.CHUNK)],
        ["target acceptance rate", number(nuts.TARGET_ACCEPTANCE)],
        ["largest number of tree doublings", number(nuts.MAX_DOUBLINGS)],
        ["largest rank of the mass matrix beyond its diagonal", number(nuts.MAX_RANK)],
        ["draws that a mass matrix is learned from", number(nuts.WINDOW_ROWS)],
    ]
    return table(["setting", "value"], rows)


def schedule() -> str:
    """Return the warm-up schedule for the default number of warm-up steps."""
    plan = nuts.Schedule.of(1000)
    windows = ", ".join(str(length * nuts.CHUNK) for _, length in plan.windows)
    last = (plan.warmup_chunks - plan.windows[-1][0]) * nuts.CHUNK
    return (
        f"With 1000 warm-up steps the windows are {windows} steps long, followed by {last} steps for the step size.\n"
    )


def thresholds() -> str:
    """Return the thresholds of the diagnostics."""
    d = diagnostics
    rows = [
        ["rank-normalised R-hat", f"above {d.RHAT_GOOD:g}", f"above {d.RHAT_LIMIT:g}"],
        ["bulk and tail effective sample size", f"below {d.ESS_GOOD:g}", f"below {d.ESS_LIMIT:g}"],
        ["divergent steps after warm-up", "any", f"more than {d.DIVERGENT_LIMIT:.0%} of them"],
        ["E-BFMI, the lowest of the chains", f"below {d.BFMI_GOOD:g}", f"below {d.BFMI_LIMIT:g}"],
        ["R-hat of patient effects", f"above {d.RHAT_LIMIT:g}", "never"],
    ]
    return table(["diagnostic", "caution", "failure"], rows)


def quadrature_error() -> str:
    """Return the relative error of a Weibull cumulative hazard by three rules, measured now."""
    rules = {
        "Gauss-Legendre, 20 nodes": gauss_legendre(20),
        "Gauss-Legendre, 32 nodes": gauss_legendre(32),
        f"as used: power {POWER:g}, {NODES} nodes": power_rule(NODES, POWER),
    }
    head = ["Weibull shape", *rules, *(f"as used, hazard times exp({factor:g} u)" for factor in _FACTORS)]
    rows = []
    for shape in _SHAPES:
        plain = [_weibull_error(rule, shape, 0.0) for rule in rules.values()]
        moving = [_weibull_error(power_rule(NODES, POWER), shape, factor) for factor in _FACTORS]
        rows.append([number(shape), *(f"{error:.0e}" for error in (*plain, *moving))])
    return table(head, rows)


def _weibull_error(rule: tuple[np.ndarray, np.ndarray], shape: float, factor: float) -> float:
    """Return the relative error of the integral of shape u^(shape - 1) exp(factor u), which is Kummer's M."""
    nodes, weights = rule
    exact = float(hyp1f1(shape, shape + 1.0, factor))
    return abs(float(weights @ (shape * nodes ** (shape - 1.0) * np.exp(factor * nodes))) / exact - 1.0)
