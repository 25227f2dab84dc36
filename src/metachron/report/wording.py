"""Numbers as a reader expects them: three digits, months, percent, and words where a number is infinite."""

from __future__ import annotations

import math

from metachron.base import MONTHS_PER_YEAR

MINUS = "\N{MINUS SIGN}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits and no exponent; an en dash where there is none."""
    if value is None or math.isnan(value):
        return "\N{EN DASH}"
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else f"{MINUS}\N{INFINITY}"
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(decimals, 6)}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else "0"


def decimals(value: float, places: int = 2) -> str:
    """Return a number with so many decimals; an en dash where there is none."""
    if not math.isfinite(value):
        return number(value)
    text = f"{value:.{places}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def p_value(value: float) -> str:
    """Return a p value with two decimals, or that it is smaller."""
    return "< 0.01" if value < 0.005 else decimals(value)


def shown_p(value: float | None) -> str:
    """Return a p value, or that there is no answer: the question was not asked, or its answer was refused."""
    return "not answered" if value is None or math.isnan(value) else p_value(value)


def count(value: int | None) -> str:
    """Return a whole number; an en dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{value:,}"


def interval(low: float, high: float, digits: int = 3) -> str:
    """Return ``low to high``."""
    return f"{number(low, digits)} to {number(high, digits)}"


def with_interval(value: float, low: float, high: float, *, unit: str = "") -> str:
    """Return a value with its 90 % interval in brackets."""
    after = f" {unit}" if unit else ""
    return f"{number(value)}{after} (90 % interval {interval(low, high)})"


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return f"{100 * share:.0f} %".replace("-", MINUS)


def months(year: float) -> str:
    """Return a time as whole months."""
    return f"{year * MONTHS_PER_YEAR:.0f} months"


def alive(event: str) -> str:
    """Return what it means to have had no event yet."""
    return "alive" if event == "death" else f"free of {event.replace('_', ' ')}"


def survival_label(event: str) -> str:
    """Return the label of an axis of survival."""
    return "Alive (%)" if event == "death" else f"Free of {event.replace('_', ' ')} (%)"


def capitalised(text: str) -> str:
    """Return the text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]


def joined(items: list[str]) -> str:
    """Return items as a list in a sentence."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
