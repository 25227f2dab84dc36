"""What was fitted: the law, the measurement, the hazard and the links, each with its equation."""

from __future__ import annotations

from metachron.cohort.new_lesions import NEW_LESION
from metachron.joint import DurablePart, DynamicsPart, HazardPart, NewLesionPart
from metachron.report.blocks import Block, Bullets, Folded, Paragraph, Section, Table
from metachron.report.numbers import Numbers
from metachron.report.wording import joined

_GROUPS = {"all": "one for all", "arm": "per arm", "study-arm": "per study and arm"}
_SHARES = {"all": "that is the same for all", "arm": "of each arm"}
_ORGANS = {"none": "", "all": ", and organs", "arm": ", and organs, per arm"}


def model_section(numbers: Numbers) -> Section:
    """Return the model in words and equations, the model file folded."""
    model = numbers.fit.model
    blocks: list[Block] = []
    if model.dynamics is not None:
        blocks += [Bullets(_dynamics(model.dynamics, numbers.fit.labels.limit_mm)), _parameters(model.dynamics)]
    if model.hazard is not None:
        blocks.append(Bullets(_hazard(model.hazard)))
    if model.new_lesions is not None:
        blocks.append(Bullets(_new_lesions(model.new_lesions, len(numbers.fit.labels.new_lesion_organs))))
    if model.durable is not None:
        blocks.append(Bullets(_durable(model.durable)))
    named = (("tumour size", model.dynamics), (numbers.event, model.hazard), ("new lesions", model.new_lesions))
    parts = [word for word, part in named if part is not None]
    what = f"A joint model of {joined(parts)}" if len(parts) > 1 else f"A model of {parts[0]} alone"
    text = f"{what}. Time is in years from day 0, the start of treatment. The model file below states every prior."
    return Section("model", "What was fitted", [Paragraph(text), *blocks, Folded("Model file", text=model.to_toml())])


def _dynamics(part: DynamicsPart, limit_mm: float) -> list[str]:
    size = "the sum of target lesions" if part.size == "sum" else "every lesion on its own"
    limit = f"{limit_mm:g} mm" if part.limit_working is None else f"{part.limit_working:g} on the working scale"
    law = part.observation
    return [
        f"Size of {size}: {part.law.name}, {part.law.equation} ({part.law.source}).",
        f"Measurement: {law.name}, {law.equation}; sizes below {limit} enter as left-censored there.",
    ]


def _parameters(part: DynamicsPart) -> Table:
    """Return what each parameter means, on what its mean depends, and whether patients differ in it."""
    how = "correlated effects" if part.covariance == "full" else "yes"
    rows = [
        [
            parameter.name,
            parameter.spec.unit,
            parameter.spec.meaning,
            _GROUPS[parameter.group] + (f", by {joined(list(parameter.covariates))}" if parameter.covariates else ""),
            (how if parameter.random else "no")
            + (", and lesions" if parameter.lesion else "")
            + _ORGANS[parameter.organ],
        ]
        for parameter in part.parameters
    ]
    return Table("Parameters of tumour size.", ["Parameter", "Unit", "Meaning", "Mean", "Patients differ"], rows)


def _new_lesions(part: NewLesionPart, organs: int) -> list[str]:
    clock = "time from the last new lesion" if part.clock == "gap" else "time from day 0"
    times = "between the visits around their detection" if part.timing == "between-visits" else "as recorded"
    lines = [*_hazard(part.hazard), f"The rate runs in {clock}; times of new lesions are taken {times}."]
    if part.frailty is not None:
        lines.append("Patients differ in their rate by a frailty of their own, normal on the log scale.")
    if part.organ != "none" and organs > 1:
        lines.append(f"A new lesion is in each organ with a probability {_SHARES[part.organ]}.")
    return lines


def _durable(part: DurablePart) -> list[str]:
    by = f" depends on {joined(list(part.covariates))}" if part.covariates else " is the same for all"
    return [
        "Two classes of patients: in durable responders growth is 0 from the start of treatment. Who is one is not "
        f"observed; the probability{by}, and the class has a coefficient of its own in every log hazard."
    ]


def _hazard(part: HazardPart) -> list[str]:
    what = "Rate of new lesions" if part.event == NEW_LESION else f"Hazard of {part.event}"
    lines = [f"{what}: {part.hazard.name}, {part.hazard.equation} ({part.hazard.source})."]
    if part.covariates:
        lines.append(f"The log hazard depends on {joined(list(part.covariates))}.")
    lines += [f"Link {t.link.name}: {t.link.meaning} (unit: {t.link.unit})." for t in part.links]
    if not part.links:
        lines.append("No link: it does not depend on tumour size.")
    return lines
