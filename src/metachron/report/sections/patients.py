"""Single patients: fits of a selection, and the response of all."""

from __future__ import annotations

from metachron.report.blocks import Block, LeftOut, Paragraph, Section, picture
from metachron.report.figures import individual_fits, spider, waterfall
from metachron.report.figures.response import CEILING_PERCENT
from metachron.report.numbers import Numbers
from metachron.report.wording import alive, capitalised, joined


def individual_section(numbers: Numbers) -> Section | LeftOut:
    """Return recorded and fitted sizes, and predicted survival, of a selection of patients."""
    if numbers.fit.cohort is None:
        return LeftOut("Individual fits are not shown: the fit holds no patients.")
    model = numbers.fit.model
    how = "from the deepest response to the fastest growth" if model.dynamics else "the first of the cohort"
    how = "as asked for" if numbers.patients is not None else how
    parts = []
    if model.dynamics is not None:
        parts.append(
            "Dots are measured sizes, open triangles sizes below the limit of "
            f"{numbers.fit.labels.limit_mm:g} mm (dashed line). The line is the median of the patient's "
            "trajectory, the band its 90 % interval, without measurement error; they end with the follow-up"
        )
    if model.hazard is not None:
        event = numbers.event.replace("_", " ")
        parts.append(
            f"{'below, ' if model.dynamics else ''}the predicted probability of being "
            f"{alive(numbers.event)}, from day 0. A cross marks {event}, a bar the end of observation without it"
        )
    shows = (
        f"Small panels of patients {joined(list(numbers.chosen))}: recorded and fitted sizes and predicted survival."
    )
    chart = picture("individual", individual_fits(numbers), shows=shows, caption=". ".join(_capitals(parts)) + ".")
    text = f"{len(numbers.chosen)} patients, {how}."
    return Section("individual", "Single patients", [Paragraph(text), chart])


def _capitals(sentences: list[str]) -> list[str]:
    return [capitalised(sentence) for sentence in sentences]


def response_section(numbers: Numbers) -> Section | LeftOut:
    """Return the spider and waterfall plots."""
    if numbers.fit.model.dynamics is None:
        return LeftOut("Response of tumour size is not shown: the model has no tumour dynamics.")
    if numbers.fit.cohort is None:
        return LeftOut("Response of tumour size is not shown: the fit holds no patients.")
    if numbers.best.is_empty():
        return LeftOut("Response of tumour size is not shown: no patient has a baseline and a later size.")
    without = numbers.fit.cohort.patients.height - numbers.best.height
    above = int((numbers.changes["change"] * 100 > CEILING_PERCENT).sum())
    limits = "Dashed lines: \N{MINUS SIGN}30 % and +20 %"
    cut = f" {above} changes above +{CEILING_PERCENT:g} % stand at the upper edge." if above else ""
    blocks: list[Block] = [
        picture(
            "spider",
            spider(numbers),
            shows="Change of tumour size from baseline over months, one line per patient, by arm.",
            caption=f"Recorded change of the sum of sizes from baseline (the last at or before day 0), one line per "
            f"patient. {limits}. Open triangles: below the limit, drawn at it.{cut}",
        ),
        picture(
            "waterfall",
            waterfall(numbers),
            shows="Each patient's deepest change of tumour size from baseline, ordered, coloured by arm.",
            caption=f"Deepest recorded change from baseline after day 0. {limits}. Open triangles: below the limit. "
            f"{without} patients have no baseline or no later size and are not shown.",
        ),
    ]
    return Section("response", "Response of tumour size", blocks)
