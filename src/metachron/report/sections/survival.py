"""Survival: observed against predicted by arm, and arms compared in the same patients."""

from __future__ import annotations

import polars as pl

from metachron.report.blocks import LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures import standardised, survival_fit
from metachron.report.numbers import Numbers
from metachron.report.wording import alive, interval, months, number, percent


def survival_section(numbers: Numbers) -> Section | LeftOut:
    """Return Kaplan-Meier against predicted survival per arm."""
    if numbers.fit.model.hazard is None:
        return LeftOut("Survival is not shown: the model has no hazard (tumour dynamics alone).")
    if numbers.fit.cohort is None:
        return LeftOut("Survival is not shown: the fit holds no patients.")
    event = numbers.event.replace("_", " ")
    late = " Events known to lie between two visits stand at the later one." if _interval(numbers) else ""
    chart = picture(
        "survival",
        survival_fit(numbers),
        shows=f"Kaplan-Meier curve of {event} and predicted curve with its band, one panel per arm.",
        caption="Steps: Kaplan-Meier, with ticks where patients are censored and the numbers at risk below the axis. "
        "Line and band: median and 90 % interval of the survival expected for the arm's patients, their effects drawn "
        f"anew from the population; the scatter of a finite trial is not in the band.{late}",
    )
    return Section("survival", "Survival by arm", [chart])


def _interval(numbers: Numbers) -> bool:
    return bool(numbers.observed["interval"].any())


def comparison_section(numbers: Numbers) -> Section | LeftOut:
    """Return standardised survival and the hazard ratio between arms over time."""
    if numbers.fit.model.hazard is None or numbers.fit.cohort is None:
        return LeftOut("Arms are not compared: this needs a hazard and the patients.")
    if len(numbers.arms) < 2:
        return LeftOut("Arms are not compared: there is one arm.")
    if numbers.incomparable:
        return LeftOut(f"Arms are not compared: {numbers.incomparable}.")
    text = (
        "Both arms are predicted for all patients of the cohort, whatever their own arm. The marginal hazard ratio "
        "compares the two populations as they survive; the conditional one compares a patient with the same patient "
        "under the other arm. They differ because the patients at highest risk leave the risk set first. The "
        "comparison is one of treatments only where patients were randomised to the arms."
    )
    chart = picture(
        "comparison",
        standardised(numbers),
        shows="Left: predicted survival of all patients under each arm. Right: hazard ratio over time.",
        caption="Left: standardised survival, median and 90 % interval. Right: hazard ratio, logarithmic axis; band: "
        "90 % interval of the marginal ratio, dotted lines: that of the conditional one.",
    )
    return Section("comparison", "Arms compared in the same patients", [Paragraph(text), chart, _table(numbers)])


def _table(numbers: Numbers) -> Table:
    at = pl.col("time_year") == numbers.landmark_year
    shares = numbers.standardised.filter(at)
    rows = [
        [f"{alive(numbers.event).capitalize()}, {row['arm']}", percent(row["survival_q50"]), _percents(row)]
        for row in shares.iter_rows(named=True)
    ]
    rows += [
        [
            f"Hazard ratio, {row['arm']} against {row['reference']}, {row['kind']}",
            number(row["hazard_ratio_q50"]),
            interval(row["hazard_ratio_q05"], row["hazard_ratio_q95"]),
        ]
        for row in numbers.hazard_ratio.filter(at).iter_rows(named=True)
    ]
    when = months(numbers.landmark_year)
    return Table(
        f"At {when}, standardised over all patients.", ["Quantity", "Median", "90 % interval"], rows, numeric=(1, 2)
    )


def _percents(row: dict[str, float]) -> str:
    return f"{percent(row['survival_q05'])} to {percent(row['survival_q95'])}"
