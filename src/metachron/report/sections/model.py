"""What was fitted: the law, the measurement, the hazard and the links, each with its equation."""

from __future__ import annotations

from metachron.joint import DynamicsPart, HazardPart
from metachron.report.blocks import Bullets, Folded, Paragraph, Section
from metachron.report.numbers import Numbers
from metachron.report.wording import joined, number

_GROUPS = {"all": "one mean for all", "arm": "a mean per arm", "study-arm": "a mean per study and arm"}


def model_section(numbers: Numbers) -> Section:
    """Return the model in words and equations, the model file folded."""
    model = numbers.fit.model
    items: list[str] = []
    if model.dynamics is not None:
        items += _dynamics(model.dynamics, numbers.fit.labels.limit_mm)
    if model.hazard is not None:
        items += _hazard(model.hazard)
    parts = [
        what for what, part in (("tumour size", model.dynamics), (numbers.event, model.hazard)) if part is not None
    ]
    what = f"A joint model of {joined(parts)}" if len(parts) == 2 else f"A model of {parts[0]} alone"
    text = f"{what}. Time is in years from day 0, the start of treatment; every parameter has a prior, written in the model file."
    return Section(
        "model", "What was fitted", [Paragraph(text), Bullets(items), Folded("Model file", text=model.to_toml())]
    )


def _dynamics(part: DynamicsPart, limit_mm: float) -> list[str]:
    size = "the sum of target lesions" if part.size == "sum" else "every lesion on its own"
    means: dict[str, list[str]] = {}
    for parameter in part.parameters:
        means.setdefault(_GROUPS[parameter.group], []).append(parameter.name)
    random = [parameter.name for parameter in part.random]
    lines = [
        f"Size of {size}: {part.law.name}, {part.law.equation} ({part.law.source}).",
        "Parameters: " + "; ".join(f"{group} for {joined(names)}" for group, names in means.items()) + ".",
    ]
    if random:
        how = "correlated" if part.covariance == "full" else "independent"
        lines.append(f"Patients differ in {joined(random)} ({how} effects).")
    lines += [
        f"{parameter.name} depends on {joined(list(parameter.covariates))}."
        for parameter in part.parameters
        if parameter.covariates
    ]
    limit = f"{number(limit_mm)} mm" if part.limit_working is None else f"{part.limit_working:g} on the working scale"
    law = part.observation
    return [*lines, f"Measurement: {law.name}, {law.equation}; sizes below {limit} enter as left-censored there."]


def _hazard(part: HazardPart) -> list[str]:
    event = part.event.replace("_", " ")
    lines = [f"Hazard of {event}: {part.hazard.name}, {part.hazard.equation} ({part.hazard.source})."]
    if part.covariates:
        lines.append(f"The log hazard depends on {joined(list(part.covariates))}.")
    lines += [f"Link {t.link.name}: {t.link.meaning} (unit: {t.link.unit})." for t in part.links]
    if not part.links:
        lines.append("No link: the hazard does not depend on tumour size.")
    return lines
