"""Laws, observation laws, hazards and links, from their registries."""

from __future__ import annotations

import inspect

from metachron.dynamics import LAWS
from metachron.hazards import HAZARDS
from metachron.joint import LINKS, OBSERVATIONS
from tables.markdown import code, codes, number, table, text
from tables.priors import parameters, shown


def laws() -> str:
    """Return every tumour law with its equation."""
    rows = [
        [
            code(law.name),
            text(law.equation),
            f"{text(law.scale.unit)}, {'always above 0 mm' if law.scale.positive else 'may reach 0 mm'}",
            text(law.source),
        ]
        for law in LAWS.values()
    ]
    return table(["name", "law, t in years", "working scale", "source"], rows)


def law_parameters() -> str:
    """Return every parameter of the tumour laws with its default prior."""
    return parameters((law.name, spec) for law in LAWS.values() for spec in law.parameters)


def observations() -> str:
    """Return every observation law."""
    rows = [
        [code(law.name), text(law.equation), "yes" if law.needs_positive_size else "no"]
        for law in OBSERVATIONS.values()
    ]
    return table(["name", "recorded value", "only for laws above 0 mm"], rows)


def observation_parameters() -> str:
    """Return the standard deviations of the observation laws."""
    return parameters((law.name, spec) for law in OBSERVATIONS.values() for spec in law().parameters)


def hazards() -> str:
    """Return every baseline hazard."""
    rows = [
        [code(hazard.name), text(hazard.equation), _knots(hazard().knot_count), text(hazard.source)]
        for hazard in HAZARDS.values()
    ]
    return table(["name", "baseline hazard per year, t in years", "knots by default", "source"], rows)


def hazard_parameters() -> str:
    """Return every parameter of the baseline hazards with its default prior."""
    return parameters((name, spec) for name, hazard in HAZARDS.items() for spec in hazard().parameters)


def links() -> str:
    """Return every link, its unit, and the step for which reports give a hazard ratio."""
    rows = [
        [
            code(link.name),
            text(inspect.getdoc(link) or ""),
            f"{text(link.unit)}, {'constant' if link.constant else 'moves with time'}",
            f"{number(link.clinical_step[0])}: {text(link.clinical_step[1])}",
        ]
        for link in LINKS.values()
    ]
    return table(["name", "value of the link", "unit", "step in reports"], rows)


def link_priors() -> str:
    """Return the default prior of each link's coefficient."""
    rows = [[code(link.name), shown(link.prior), text(link.prior.reason)] for link in LINKS.values()]
    return table(["link", "prior of the coefficient, per unit", "reason"], rows)


def supported() -> str:
    """Return which law supports which link."""
    rows = [
        [
            code(link.name),
            codes(sorted(link.needs)),
            *("yes" if link.fits(law) else "" for law in LAWS.values()),
        ]
        for link in LINKS.values()
    ]
    return table(["link", "needs", *LAWS], rows)


def _knots(count: int) -> str:
    return str(count) if count else "none"
