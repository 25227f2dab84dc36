"""The Stan program's data block, from a resolved model bound to a cohort: same priors, codings and reference values."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from metachron.base import ModelError
from metachron.joint import JointModel
from metachron.joint.design import Binding, Events, Rows
from metachron.joint.hazard_terms import quadrature
from metachron.joint.sites import list_sites
from metachron.joint.vector import population_size

PROGRAMS = {"log-growth": "log_growth.stan", "slope": "slope.stan"}
"""The Stan program by link."""

_SITES = (
    ("log_baseline_mm.mean", "prior_baseline_mean", "normal"),
    ("log_baseline_mm.sd", "prior_baseline_sd", "half_normal"),
    ("log_shrinkage_per_year.mean", "prior_shrinkage_mean", "normal"),
    ("log_shrinkage_per_year.sd", "prior_shrinkage_sd", "half_normal"),
    ("log_growth_per_year.mean", "prior_growth_mean", "normal"),
    ("log_growth_per_year.sd", "prior_growth_sd", "half_normal"),
    ("residual.proportional", "prior_residual", "half_normal"),
    ("death.log_scale_year", "prior_log_scale_year", "normal"),
    ("death.log_shape", "prior_log_shape", "normal"),
    ("death.link", "prior_link", "normal"),
)
"""The sites of the model that the Stan programs write out, in the order of their parameters block."""


def stan_data(model: JointModel, binding: Binding) -> dict[str, Any]:
    """Return the data block of the Stan program for a model and a cohort.

    Raises
    ------
    ModelError
        When the model or the cohort is not one that the Stan programs write out.
    """
    link = _link_of(model)
    design = binding.design
    patients = len(binding.labels.patients)
    assert design.events is not None
    data: dict[str, Any] = {
        "patients": patients,
        "arms": binding.dims.arms,
        "arm": (np.asarray(design.arm)[:patients] + 1).tolist(),
        **_priors(model, binding),
        **_sizes(design.measured, design.censored),
        **_deaths(design.events),
    }
    if link == "log-growth":
        data |= _last_years(design.events)
        data["log_growth_reference"] = float(np.log(model.hazard.links[0].link.reference_per_year))  # type: ignore[union-attr]
    else:
        data |= _nodes(model, binding)
    return data


def to_stan_vectors(vectors: np.ndarray, model: JointModel, binding: Binding) -> np.ndarray:
    """Return unconstrained vectors in Stan's order: effect by effect, without padding patients.

    Parameters
    ----------
    vectors : (vector, free), of `metachron.joint.vector.pack`.
    """
    count, patients = population_size(model, binding.dims), len(binding.labels.patients)
    effects = vectors[:, count:].reshape(len(vectors), binding.dims.patients, -1)[:, :patients]
    return np.concatenate([vectors[:, :count], np.swapaxes(effects, 1, 2).reshape(len(vectors), -1)], axis=1)


def _link_of(model: JointModel) -> str:
    """Return the name of the model's link; raise where the Stan programs are of another model."""
    dynamics, hazard = model.dynamics, model.hazard
    if dynamics is None or hazard is None or len(hazard.links) != 1 or hazard.links[0].link.name not in PROGRAMS:
        raise ModelError(f"Stan programs are at hand for one link of {', '.join(PROGRAMS)}; this model has others")
    parts = (dynamics.law.name, dynamics.observation.name, hazard.hazard.name, dynamics.size, dynamics.covariance)
    if parts != ("stein-fojo", "proportional", "weibull", "sum", "independent"):
        raise ModelError(f"the Stan programs write out Stein-Fojo, proportional error, Weibull; this model is {parts}")
    return hazard.links[0].link.name


def _priors(model: JointModel, binding: Binding) -> dict[str, Any]:
    sites = list_sites(model, binding.dims)
    if len(sites) != len(_SITES):
        raise ModelError(f"the Stan programs have {len(_SITES)} blocks of parameters; this model has {len(sites)}")
    priors = {}
    for site, (name, key, family) in zip(sites, _SITES, strict=True):
        if not site.name.startswith(name) or site.prior.family != family:
            raise ModelError(f"the Stan programs expect {name} ~ {family}; found {site.name} ~ {site.prior.family}")
        priors[key] = list(site.prior.args) if family == "normal" else site.prior.args[0]
    return priors


def _sizes(measured: Rows | None, censored: Rows | None) -> dict[str, Any]:
    assert measured is not None
    assert censored is not None
    real = np.asarray(measured.weight) > 0
    under = np.asarray(measured.time_year) >= 0
    below = np.asarray(censored.weight) > 0
    return (
        _rows(measured, real & ~under, "before", "mm_before")
        | _rows(measured, real & under, "after", "mm_after")
        | _rows(censored, below, "below", "limit_mm")
    )


def _rows(rows: Rows, kept: np.ndarray, suffix: str, value: str) -> dict[str, Any]:
    return {
        f"rows_{suffix}": int(kept.sum()),
        f"patient_{suffix}": (np.asarray(rows.patient)[kept] + 1).tolist(),
        f"year_{suffix}": np.asarray(rows.time_year)[kept].tolist(),
        value: np.asarray(rows.value)[kept].tolist(),
    }


def _deaths(events: Events) -> dict[str, Any]:
    last, known = np.asarray(events.lower_year), np.asarray(events.known) > 0
    dead = known & (np.asarray(events.exact) > 0)
    if np.any(np.asarray(events.interval) > 0) or np.any(np.asarray(events.entry_year)[known] > 0):
        raise ModelError("the Stan programs know exact and right-censored deaths from day 0 on; this cohort has others")
    if np.any(last[dead] <= 0):
        raise ModelError("the Stan programs need deaths after day 0; this cohort has one at day 0")
    return {
        "deaths": int(dead.sum()),
        "dead": (np.flatnonzero(dead) + 1).tolist(),
        "death_year": last[dead].tolist(),
    }


def _followed(events: Events) -> np.ndarray:
    """Return the patients who were at risk for some time: the others' cumulative hazard is 0."""
    return np.flatnonzero((np.asarray(events.known) > 0) & (np.asarray(events.lower_year) > 0))


def _last_years(events: Events) -> dict[str, Any]:
    at_risk = _followed(events)
    return {
        "followed": len(at_risk),
        "at_risk": (at_risk + 1).tolist(),
        "last_year": np.asarray(events.lower_year)[at_risk].tolist(),
    }


def _nodes(model: JointModel, binding: Binding) -> dict[str, Any]:
    """Return the times and weights of the model's own quadrature."""
    events = binding.design.events
    assert events is not None
    at_risk = _followed(events)
    times, weights = quadrature(model, binding.design, jnp.zeros_like(events.lower_year), events.lower_year)
    return {
        "followed": len(at_risk),
        "at_risk": (at_risk + 1).tolist(),
        "nodes": times.shape[1],
        "node_year": np.asarray(times)[at_risk].tolist(),
        "weight_year": np.asarray(weights)[at_risk].tolist(),
    }
