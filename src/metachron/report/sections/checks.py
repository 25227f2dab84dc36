"""Does the model reproduce the data? Visual predictive checks of sizes and of survival, with their tally."""

from __future__ import annotations

from metachron.report.blocks import LeftOut, Paragraph, Section, picture
from metachron.report.figures import size_check, survival_check
from metachron.report.figures.size_check import FEWEST
from metachron.report.numbers import Numbers
from metachron.report.tally import size_tally, survival_tally
from metachron.report.wording import percent


def size_check_section(numbers: Numbers) -> Section | LeftOut:
    """Return the visual predictive check of sizes."""
    if numbers.fit.model.dynamics is None:
        return LeftOut("Sizes are not checked: the model has no tumour dynamics.")
    if numbers.fit.cohort is None:
        return LeftOut("Sizes are not checked: the fit holds no patients.")
    inside, total = size_tally(numbers)
    share = percent(inside / total)
    what = "recorded percentiles and shares below the limit"
    text = f"{inside} of {total} {what} lie within the 90 % interval of the replicates ({share})."
    stop = " Imaging mostly ends with progression here, so only visits up to the first one (20 % and 5 mm above the "
    stop = f"{stop}nadir) count, in the data and in replicates." if numbers.size_check.until_progression else ""
    ends = " Visits after a replicated event are left out." if numbers.fit.model.hazard is not None else ""
    chart = picture(
        "sizecheck",
        size_check(numbers),
        shows="Recorded percentiles of size over months against bands of replicated percentiles, one column per arm.",
        caption=f"Black: 10th, 50th and 90th percentile of recorded sizes in bins of time. Bands: 90 % interval of the "
        f"same percentiles in {numbers.draws} replicates with new patients on the same visits.{ends}{stop} Below: "
        f"share of sizes under the limit. Bands may leave the axis. Bins with fewer than {FEWEST} sizes are not drawn.",
    )
    return Section("size-check", "Does the model reproduce the sizes?", [Paragraph(text), chart])


def survival_check_section(numbers: Numbers) -> Section | LeftOut:
    """Return the visual predictive check of survival."""
    if numbers.fit.model.hazard is None:
        return LeftOut("Survival is not checked: the model has no hazard.")
    if numbers.fit.cohort is None:
        return LeftOut("Survival is not checked: the fit holds no patients.")
    inside, total = survival_tally(numbers)
    share = percent(inside / total)
    text = f"The Kaplan-Meier curve lies within the envelope of replicated trials at {share} of the times."
    chart = picture(
        "survivalcheck",
        survival_check(numbers),
        shows="Kaplan-Meier curve against the envelope of replicated trials, one panel per arm.",
        caption="Steps: Kaplan-Meier of the data. Line and band: median and 90 % envelope of the Kaplan-Meier curves "
        f"of {numbers.draws} replicated trials with as many patients and the observed ends of observation.",
    )
    return Section("survival-check", "Does the model reproduce survival?", [Paragraph(text), chart])
