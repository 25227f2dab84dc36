"""What this says: a few sentences computed from the numbers, none of them beyond its interval."""

from __future__ import annotations

import math

import polars as pl

from metachron.base import list_briefly
from metachron.inference.predict import CHANGE, CHECK_WEEK, GROWTH_BEGINS, PROBABILITY
from metachron.report.blocks import Block, Bullets, Paragraph, Section
from metachron.report.numbers import Numbers
from metachron.report.tally import ENOUGH, new_lesion_tally, progression_tally, size_tally, survival_tally
from metachron.report.wording import alive, capitalised, interval, joined, months, number, percent, with_interval

RESEARCH_USE = "For research use only: not meant for decisions on the treatment of a patient."


def summary_section(numbers: Numbers) -> Section:
    """Return the plain words at the head of the report."""
    blocks: list[Block] = []
    if not numbers.fit.diagnostics.converged:
        warning = "This fit has not converged: nothing below should be used. See 'Can the draws be trusted?'."
        blocks.append(Paragraph(warning, strong=True))
    sentences: list[str] = []
    if numbers.fit.model.dynamics is not None:
        sentences += _course(numbers)
    if numbers.fit.model.durable is not None:
        sentences += _durable(numbers)
    if numbers.fit.model.hazard is not None:
        sentences += _hazard(numbers)
        if numbers.fit.cohort is not None:
            sentences += _survival(numbers)
    if numbers.fit.cohort is not None:
        sentences += _check(numbers)
    sentences += _open(numbers)
    return Section("summary", "What this says", [*blocks, Bullets(sentences), Paragraph(RESEARCH_USE)])


def _course(numbers: Numbers) -> list[str]:
    """Return, by arm, how the typical patient's tumour changes, and when it begins to grow."""
    table = numbers.clinical
    change = table.filter(pl.col("quantity") == CHANGE)
    growth = table.filter(pl.col("quantity") == GROWTH_BEGINS)
    sentences = []
    for row, later in zip(change.iter_rows(named=True), growth.iter_rows(named=True), strict=True):
        who = f"In the typical patient on {row['arm']}" if len(numbers.arms) > 1 else "In the typical patient"
        sentences.append(f"{who} the tumour {_moved(row)} at week {CHECK_WEEK:g}; {_grows(later)}.")
    return sentences


def _durable(numbers: Numbers) -> list[str]:
    """Return how likely the typical patient is not to grow again, and what else limits that number."""
    rows = numbers.clinical.filter(pl.col("quantity") == PROBABILITY)
    sentences = [
        f"The probability of a durable response, a tumour that does not grow again, is {number(row['median'], 2)} % "
        f"(90 % interval {interval(row['q05'], row['q95'], 2)} %)"
        f"{'' if row['arm'] == 'all' else ' in the typical patient on ' + row['arm']}; the course above is that of a "
        "patient who is no durable responder."
        for row in rows.iter_rows(named=True)
    ]
    return [*sentences, *(f"{capitalised(one)}." for one in numbers.fit.provenance.get("cautions", ()))]


def _moved(row: dict[str, float]) -> str:
    low, middle, high = row["q05"], row["median"], row["q95"]
    if high < 0:
        return f"is {number(-middle, 2)} % smaller (90 % interval {interval(-high, -low, 2)} %)"
    if low > 0:
        return f"is {number(middle, 2)} % larger (90 % interval {interval(low, high, 2)} %)"
    between = f"90 % interval {interval(low, high, 2)} %"
    return f"has changed by {number(middle, 2)} % ({between}: shrinkage and growth are both possible)"


def _grows(row: dict[str, float]) -> str:
    low, middle, high = row["q05"], row["median"], row["q95"]
    if math.isinf(low):
        return "it does not grow again"
    if high == 0:
        return "it grows from the start"
    if low == 0 and math.isinf(high):
        return "whether it grows again is open"
    if math.isinf(middle):
        return f"it may never grow again (if it does, after {number(low, 2)} months at the earliest)"
    end = "never" if math.isinf(high) else f"{number(high, 2)} months"
    return f"growth begins after {number(middle, 2)} months (90 % interval {number(low, 2)} to {end})"


def _hazard(numbers: Numbers) -> list[str]:
    """Return what each hazard ratio allows one to say."""
    event = numbers.event.replace("_", " ")
    rows = numbers.clinical.filter((pl.col("part") == "hazard") & pl.col("quantity").str.starts_with("hazard ratio"))
    sentences = []
    for row in rows.iter_rows(named=True):
        what = row["quantity"].removeprefix(f"hazard ratio of {numbers.event}: ")
        ratio = with_interval(row["median"], row["q05"], row["q95"])
        sentences.append(f"Hazard ratio of {event} for {what}: {ratio}; {_side(row)}.")
    if sentences:
        sentences.append("Hazard ratios describe who had events sooner; by themselves they do not show a cause.")
    return sentences


def _side(row: dict[str, float]) -> str:
    if row["q05"] > 1:
        return "it goes with a higher hazard"
    return (
        "it goes with a lower hazard" if row["q95"] < 1 else "the interval includes 1, so these data do not settle it"
    )


def _survival(numbers: Numbers) -> list[str]:
    """Return the predicted share alive at the landmark, and how the arms compare."""
    at = pl.col("time_year") == numbers.landmark_year
    when = months(numbers.landmark_year)
    start = f"{alive(numbers.event).capitalize()} at {when}, predicted"
    if numbers.incomparable:
        table = numbers.survival_at_landmark
        shares = [_share(row) for row in table.iter_rows(named=True)]
        return [f"{start} for the patients of each arm: {', '.join(shares)}."]
    shares = [_share(row) for row in numbers.standardised.filter(at).iter_rows(named=True)]
    ratios = numbers.hazard_ratio.filter(at & (pl.col("kind") == "marginal"))
    compared = [_compared(row, when) for row in ratios.iter_rows(named=True)]
    return [f"{start} for all patients as if in each arm: {', '.join(shares)}.", *compared]


def _share(row: dict[str, float]) -> str:
    low, middle, high = (percent(row[f"survival_{name}"]) for name in ("q05", "q50", "q95"))
    return f"{middle} on {row['arm']} (90 % interval {low} to {high})"


def _compared(row: dict[str, float], when: str) -> str:
    ratio = with_interval(row["hazard_ratio_q50"], row["hazard_ratio_q05"], row["hazard_ratio_q95"])
    start = f"{row['arm']} against {row['reference']} at {when}: marginal hazard ratio {ratio}"
    start = capitalised(start)
    if row["hazard_ratio_q05"] > 1 or row["hazard_ratio_q95"] < 1:
        less = "higher" if row["hazard_ratio_q50"] > 1 else "lower"
        return f"{start}; the interval lies on one side of 1: a {less} hazard on {row['arm']}."
    return f"{start}; the interval includes 1, so these data do not tell the arms apart."


def _check(numbers: Numbers) -> list[str]:
    """Return how well the model reproduces the data, and a warning where it does not."""
    parts: list[str] = []
    poor: list[str] = []
    tallies = []
    if numbers.fit.model.dynamics is not None:
        tallies.append(("of the recorded percentiles of size and shares below the limit", "sizes", size_tally(numbers)))
    if numbers.fit.model.hazard is not None:
        tallies.append(("of the Kaplan-Meier curve", "survival", survival_tally(numbers)))
    if not numbers.progressions.is_empty():
        tallies.append(("of the curve of progression by size", "progression", progression_tally(numbers)))
    if numbers.fit.model.new_lesions is not None and not numbers.fit.model.counts_new_lesions:
        tallies.append(("of the mean number of new lesions", "new lesions", new_lesion_tally(numbers)))
    for what, short, (inside, total) in tallies:
        parts.append(f"{percent(inside / total)} {what}" if total else f"nothing {what}")
        poor += [short] if inside < ENOUGH * total else []
    text = f"The model reproduces {joined(parts)} (within 90 % intervals of replicates)."
    if poor:
        text += f" That is not enough for {joined(poor)}: look at the checks below before using the numbers."
    return [text]


def _open(numbers: Numbers) -> list[str]:
    """Return which parameters the data leave open; nothing where there is none."""
    names = sorted({name for finding in numbers.findings for name in finding.parameters})
    if not names:
        return []
    return [f"The data do not settle {list_briefly(names)} on their own: see 'What do the data leave open?'."]
