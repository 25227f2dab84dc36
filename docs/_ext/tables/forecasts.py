"""Tables of the page on forecasting: the posteriors that are shipped, and how well forecasts were met."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metachron.reference import load_reference, reference_names
from tables.markdown import table

_FOLDER = Path(__file__).resolve().parents[2] / "_data" / "skill"
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
    """Return the measured scores, one table per posterior, or that they have not been measured."""
    parts = [_skill(name) for name in reference_names() if (_FOLDER / f"{name}.csv").is_file()]
    return "\n\n".join(parts) if parts else "Not measured yet."


def _skill(name: str) -> str:
    scores = pl.read_csv(_FOLDER / f"{name}.csv")
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
    return f"### {name}\n\n{verdict(scores)}\n\n{table(head, rows)}"


def _worse(count: int) -> str:
    return f"; in {count} a simpler method does as well or better" if count else ""


def verdict(scores: pl.DataFrame) -> str:
    """Return in how many comparisons the model had the better score, and that a smaller difference may be chance."""
    sentences = []
    for of, measure in (("survival", "integrated Brier"), ("sizes", "CRPS of log size")):
        own = scores.filter((pl.col("of") == of) & (pl.col("score") == measure))
        if own.is_empty():
            continue
        keys = ["landmark_day", "horizon_day"]
        model = own.filter(pl.col("method") == "joint model").select(*keys, pl.col("value").alias("model"))
        best = own.filter(pl.col("method") != "joint model").group_by(keys).agg(pl.col("value").min().alias("best"))
        both = model.join(best, on=keys)
        better = int((both["model"] < both["best"]).sum())
        sentences.append(
            f"By {measure} of {of}, the model is better than the best competitor in {better} of {both.height} pairs of "
            f"landmark and horizon{_worse(both.height - better)}."
        )
    return " ".join(sentences)
