"""Tables of the page on forecasting: the posteriors that are shipped, and how well forecasts were met."""

from __future__ import annotations

import polars as pl

from metachron.reference import load_reference, reference_names, skill_in_words
from tables.markdown import table

_SHOWN = ("AUC", "integrated Brier", "CRPS of log size", "coverage of 90 % intervals")


def reference_list() -> str:
    """Return the reference posteriors with options, patients and what they were fitted to."""
    rows = []
    for name in reference_names():
        reference = load_reference(name)
        card, arms = reference.card, ", ".join(reference.arms)
        patients = " and ".join(str(found["patients"]) for found in card.record.values())
        rows.append([f"`{name}`", card.title, arms, patients, "yes" if card.linked else "no"])
    return table(["name", "trial", "options", "patients", "sizes linked to survival"], rows)


def forecast_skill() -> str:
    """Return the measured scores, one table per posterior."""
    return "\n\n".join(_skill(name) for name in reference_names())


def _skill(name: str) -> str:
    scores = load_reference(name).skill
    if scores is None:
        return f"### {name}\n\nNot measured yet."
    shown = scores.filter(pl.col("score").is_in(_SHOWN)).with_columns(
        ahead=pl.col("horizon_day") - pl.col("landmark_day")
    )
    rows = [
        [
            f"{row['landmark_day']:.0f}",
            f"{row['ahead']:.0f}",
            row["score"],
            row["method"],
            f"{row['value']:.3g} ({row['low']:.3g} to {row['high']:.3g})",
            f"{row['patients']}",
        ]
        for row in shown.iter_rows(named=True)
    ]
    head = ["landmark, day", "days ahead", "score", "method", "value (90 % interval)", "patients"]
    return f"### {name}\n\n{skill_in_words(scores)}\n\n{table(head, rows)}"
