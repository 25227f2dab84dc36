"""Does the model reproduce the data? Visual predictive checks of sizes, survival and progression, with their tally."""

from __future__ import annotations

from metachron.report.blocks import LeftOut, Paragraph, Section, picture
from metachron.report.figures import new_lesion_check, progression_check, size_check, survival_check
from metachron.report.figures.size_check import FEWEST
from metachron.report.numbers import Numbers
from metachron.report.tally import ENOUGH, new_lesion_tally, progression_tally, size_tally, survival_tally
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


def progression_check_section(numbers: Numbers) -> Section | LeftOut:
    """Return the visual predictive check of progression by size."""
    if numbers.fit.model.dynamics is None:
        return LeftOut("Progression by size is not checked: the model has no tumour dynamics.")
    if numbers.fit.cohort is None:
        return LeftOut("Progression by size is not checked: the fit holds no patients.")
    if numbers.progressions.is_empty():
        return LeftOut("Progression by size is not checked: this needs sums of sizes, with some after day 0.")
    inside, total = progression_tally(numbers)
    share = percent(inside / total) if total else "none"
    events = int(numbers.progressions["event"].sum())
    text = (
        f"{events} of {numbers.progressions.height} patients with a size after day 0 progress by size: a sum both 20 % "
        "and 5 mm above the smallest one before it. The Kaplan-Meier curve of their first progression lies within the "
        f"envelope of replicated trials at {share} of the times."
    )
    if inside < ENOUGH * total:
        text += (
            " Look at the individual residuals below: a few outlying sizes widen the measurement error, and with it "
            "progression by chance; or scans ended for reasons that the model does not know."
        )
    chart = picture(
        "progressioncheck",
        progression_check(numbers),
        shows="Kaplan-Meier curve of progression by size against the envelope of replicated trials, a panel per arm.",
        caption="Steps: Kaplan-Meier of progression as the scans show it. Line and band: median and 90 % envelope of "
        f"{numbers.draws} replicated trials with new patients, scanned as recorded; where progression or death "
        "ended the scans they go on at the usual interval. It is derived from the modelled sizes, no part of the "
        "fit.",
    )
    return Section("progression-check", "Does the model reproduce progression?", [Paragraph(text), chart])


def new_lesion_check_section(numbers: Numbers) -> Section | LeftOut:
    """Return the visual predictive check of new lesions."""
    if numbers.fit.model.new_lesions is None:
        return LeftOut("New lesions are not checked: the model has no process of new lesions.")
    if numbers.fit.cohort is None:
        return LeftOut("New lesions are not checked: the fit holds no patients.")
    if numbers.fit.model.counts_new_lesions:
        return LeftOut(
            "New lesions are not checked: a link counts those found, which replicates would have to carry on."
        )
    inside, total = new_lesion_tally(numbers)
    text = (
        "The mean number of new lesions seen per patient lies within the envelope of replicated trials at "
        f"{percent(inside / total)} of the times."
    )
    chart = picture(
        "newlesioncheck",
        new_lesion_check(numbers),
        shows="Mean number of new lesions per patient over months against the envelope of replicates, a panel per arm.",
        caption="Steps: mean cumulative number of new lesions, over the patients still watched. Line and band: median "
        f"and 90 % envelope in {numbers.draws} replicated trials of the same patients, with the effects that their "
        "data give them, watched as long as they were: whoever has many new lesions dies early, so that patients "
        "drawn anew would be watched for too long.",
    )
    return Section("new-lesion-check", "Does the model reproduce new lesions?", [Paragraph(text), chart])
