"""The page of a forecast: one patient after another, what it rests on, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.forecast import Forecast
from metachron.forecast.summaries import (
    ANY,
    FREE_OF_BOTH,
    NEW_LESION,
    PROGRESSED,
    PROGRESSION_FREE,
    RESTRICTED_MEAN,
    SURVIVAL,
)
from metachron.report.blocks import Block, Bullets, Folded, Paragraph, Section, Table, picture
from metachron.report.figures.forecast import lesion_forecast, patient_forecast
from metachron.report.page import render_page, write_page
from metachron.report.wording import interval, joined, number, percent

SHOWN = 12
"""Patients on a page; of larger cohorts the first ones, and the tables hold all."""
_DAYS = {RESTRICTED_MEAN}
_SHARES = {SURVIVAL, PROGRESSION_FREE, PROGRESSED, NEW_LESION, FREE_OF_BOTH}


def write_forecast_page(
    found: Forecast, path: str | Path, *, title: str | None = None, patients: Sequence[str] | None = None
) -> Path:
    """Write a forecast as one self-contained HTML file and return its path.

    Parameters
    ----------
    title : heading.
    patients : whom to show; the first `SHOWN` unless given.

    Raises
    ------
    InputError
        When the file cannot be written.
    ModelError
        When a patient is not in the forecast.
    """
    known = found.reliability["patient"].to_list()
    chosen = list(patients) if patients is not None else known[:SHOWN]
    if absent := sorted(set(chosen) - set(known)):
        raise ModelError(f"patient {list_briefly(absent)} is not in the forecast; it has {list_briefly(known)}")
    heading = title or f"Forecast of {chosen[0] if len(known) == 1 else f'{len(known)} patients'}"
    version = found.rests_on.get("metachron", "")

    def render() -> str:
        sections = [_patient(found, patient) for patient in chosen]
        return render_page(heading, [*sections, *_closing(found, len(known) - len(chosen))], version=version)

    return write_page(path, render)


def _patient(found: Forecast, patient: str) -> Section:
    options = found.options_of(patient)
    recorded = found.recorded.filter(pl.col("patient") == patient)
    new = found.recorded_new_lesions.filter(pl.col("patient") == patient)
    blocks: list[Block] = [Paragraph(_seen(found, recorded, new))]
    blocks += [Paragraph(sentence, strong=True) for sentence in compared(found, patient)]
    blocks.append(_outcomes(found, patient, options))
    shows = f"Size, survival and progression-free survival of {patient} under {joined(list(options))}."
    caption = (
        "Above: recorded sizes (dots; open triangles: below the limit) and the size to be expected, median and 90 % "
        "interval, measurement error not included. Below: probability of being alive (90 % interval of the patient's "
        "own curve) and of being alive without progression by size. Dotted: the day of the forecast."
    )
    blocks.append(picture(f"forecast-{patient}", patient_forecast(found, patient), shows=shows, caption=caption))
    if found.lesions.height:
        shows = f"Size of each lesion of {patient} under {joined(list(options))}."
        caption = (
            "Each lesion: recorded sizes and the size to be expected, median and 90 % interval, measurement error not "
            "included; after the day of the forecast (dotted) of those who are alive."
        )
        blocks.append(picture(f"lesions-{patient}", lesion_forecast(found, patient), shows=shows, caption=caption))
    blocks += _new_lesions(found, patient, options)
    return Section(f"patient-{patient}", f"Patient {patient}", blocks)


def _new_lesions(found: Forecast, patient: str, options: Sequence[str]) -> list[Block]:
    """Return the table of new lesions by organ at the horizon, where the forecast has organs."""
    if not found.new_lesions.height:
        return []
    rows = found.new_lesions.filter((pl.col("patient") == patient) & (pl.col("organ") != ANY))
    if not rows.height:
        return []
    rows = rows.filter(pl.col("day") == rows["day"].max())
    names = {"value": "new_lesion", "q05": "new_lesion_q05", "q95": "new_lesion_q95"}
    cells: dict[str, dict[str, str]] = {}
    for row in rows.iter_rows(named=True):
        own = {name: row[column] for name, column in names.items()}
        cells.setdefault(row["organ"], {})[row["option"]] = told(NEW_LESION, own)
    table = [[organ.replace("_", " "), *(own[option] for option in options)] for organ, own in cells.items()]
    caption = (
        f"Probability of a new lesion in each organ by day {found.horizon_day:g}, death competing; in brackets the 90 "
        "% interval over what is not known of this patient."
    )
    return [Table(caption, ["New lesion in", *options], table, numeric=range(1, len(options) + 1))]


def _seen(found: Forecast, recorded: pl.DataFrame, new: pl.DataFrame) -> str:
    what = ", ".join(
        f"{'below ' if row['censored'] else ''}{number(row['size_mm'])} mm on day {row['day']:g}"
        for row in recorded.iter_rows(named=True)
    )
    known = f"Known on day {found.landmark_day:g}: alive" + (f"; sizes {what}" if what else "")
    if new.height or found.new_lesions.height:
        days = [f"day {r['day']:g}" + (f" ({r['organ']})" if r["organ"] else "") for r in new.iter_rows(named=True)]
        known += f"; new lesions found on {joined(days)}" if days else "; no new lesion recorded"
    known += "."
    return f"{known} The forecast goes to day {found.horizon_day:g}."


def compared(found: Forecast, patient: str) -> list[str]:
    """Return in sentences how options differ for a patient, and how sure that is."""
    sentences = []
    for row in found.differences.filter(pl.col("patient") == patient).iter_rows(named=True):
        if row["quantity"] not in (SURVIVAL, PROGRESSION_FREE, RESTRICTED_MEAN):
            continue
        scale, unit = (1.0, "days") if row["quantity"] in _DAYS else (100.0, "percentage points")
        span = interval(scale * row["q05"], scale * row["q95"], 2)
        sentences.append(
            f"{row['quantity'][:1].upper()}{row['quantity'][1:]}: {row['option']} against {row['against']} "
            f"{number(scale * row['difference'], 2)} {unit} (90 % interval {span}); "
            f"higher under {row['option']} with probability {_sure(row['probability_higher'])}."
        )
    return sentences


def _sure(probability: float) -> str:
    """Return a probability as a percentage that never says certain: draws are finite."""
    return "above 99 %" if probability > 0.99 else "below 1 %" if probability < 0.01 else percent(probability)


def _outcomes(found: Forecast, patient: str, options: Sequence[str]) -> Table:
    rows = found.outcomes.filter(pl.col("patient") == patient)
    table = []
    for quantity in rows["quantity"].unique(maintain_order=True):
        own = {row["option"]: row for row in rows.filter(pl.col("quantity") == quantity).iter_rows(named=True)}
        table.append([quantity, *(told(quantity, own[option]) for option in options)])
    caption = f"At day {found.horizon_day:g}; in brackets the 90 % interval over what is not known of this patient."
    return Table(caption, ["", *options], table, numeric=range(1, len(options) + 1))


def told(quantity: str, row: dict[str, float]) -> str:
    """Return a quantity with its interval in brackets."""
    if quantity in _SHARES:
        return f"{percent(row['value'])} ({percent(row['q05'])} to {percent(row['q95'])})"
    return f"{number(row['value'])} ({interval(row['q05'], row['q95'])})"


def _closing(found: Forecast, unshown: int) -> list[Section]:
    rests = [f"{name}: {value}" for name, value in found.rests_on.items() if name != "metachron"]
    weights = found.reliability.filter(pl.col("pareto_k").is_not_nan())
    rows = [
        [row["patient"], number(row["pareto_k"], 2), f"{row['effective_draws']:.0f}"]
        for row in weights.iter_rows(named=True)
    ]
    more = [f"{unshown} more patients are in the tables of the forecast, not on this page."] if unshown else []
    caption = (
        "How far the posterior had to be reweighted for each patient: k below 0.7 and 100 effective draws or more can "
        "be relied on."
    )
    blocks: list[Block] = [Bullets(rests)]
    if rows:
        blocks.append(Table(caption, ["Patient", "Pareto k", "Effective draws"], rows, numeric=(1, 2)))
    blocks += [Folded("Model file", text=found.model_file)] if found.model_file else []
    return [
        Section("cannot-tell", "How to take this, and what it cannot tell", [Bullets([*found.notes, *more])]),
        Section("rests-on", "What it rests on", blocks),
    ]
