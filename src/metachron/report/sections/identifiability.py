"""What do the data leave open? Parameters that repeat their prior, move together, or stand at a bound."""

from __future__ import annotations

from metachron.inference.criticism import identifiability as limits
from metachron.report.blocks import Block, Bullets, Paragraph, Section
from metachron.report.numbers import Numbers
from metachron.report.wording import MINUS, percent

_TITLES = {
    "prior": "The posterior repeats the prior",
    "correlation": "Parameters that move together",
    "bound": "Parameters at a bound",
}


def identifiability_section(numbers: Numbers) -> Section:
    """Return what the data do not tell of the population parameters, and what to do about it."""
    found = numbers.findings
    looked = (
        f"A posterior repeats its prior where its variance is less than {percent(limits.CONTRACTION_LIMIT)} below that "
        f"of the prior and the two overlap by more than {percent(limits.OVERLAP_LIMIT)}. Parameters move together "
        f"above a rank correlation of {limits.CORRELATION_LIMIT:g}. A standard deviation is at 0 where its 5 % "
        f"quantile is below {percent(limits.ZERO_LIMIT)} of its 95 % one, a correlation of patient effects at 1 or "
        f"{MINUS}1 where its median is beyond {limits.ONE_LIMIT:g}."
    )
    text = (
        f"The data leave {len(found)} {'thing' if len(found) == 1 else 'things'} open."
        if found
        else "Nothing was found that the data leave open: no parameter repeats its prior, none stands at a bound, and "
        "no two move together."
    )
    lists: list[Block] = [
        Bullets([f"{one}." for one in found if one.kind == kind], title)
        for kind, title in _TITLES.items()
        if any(one.kind == kind for one in found)
    ]
    return Section(
        "identifiability",
        "What do the data leave open?",
        [Paragraph(text, strong=bool(found)), *lists, Paragraph(looked)],
    )
