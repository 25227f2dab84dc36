"""How to take a forecast, and what it cannot tell, in sentences."""

from __future__ import annotations

import polars as pl

from metachron.base import list_briefly
from metachron.forecast.condition import K_LIMIT, LEAST_EFFECTIVE
from metachron.forecast.source import Source

RESEARCH_USE = "Research software, not a medical device: a forecast is no advice on the treatment of a patient."
CONTINUES = (
    "After day 0 the forecast continues the option that was given: what a change of treatment would do is outside what "
    "the data support."
)


def notes_on(
    source: Source, reliability: pl.DataFrame, landmark_day: float, horizon_day: float, scan_every_day: float
) -> tuple[str, ...]:
    """Return the notes on a forecast from its table ``reliability`` and the days asked for."""
    notes = [RESEARCH_USE, *source.notes]
    if landmark_day > 0:
        notes.append(CONTINUES)
    told = source.fit.model.new_lesions is not None
    beside = "clinical progression comes" if told else "new lesions and clinical progression come"
    if source.fit.model.dynamics is not None:
        notes.append(
            f"Progression is by size alone (a sum 20 % and 5 mm above the smallest), found on scans every "
            f"{scan_every_day:g} days; {beside} on top of it."
        )
    if source.fit.model.single_lesions:
        notes.append(
            "The sum is that of the target lesions recorded so far, each at least the limit of measurement at a scan; "
            "new lesions are not part of it."
        )
    if told:
        notes.append(
            "A patient without rows of new lesions is taken to have had none up to the landmark. New lesions are "
            "forecast when they appear; a scan shows them later."
        )
    followed = source.followed_day
    if followed is not None and horizon_day > followed:
        notes.append(
            f"Nobody in the trial was followed beyond day {followed:.0f}; from there to day {horizon_day:g} the "
            "forecast is the model's extrapolation."
        )
    imputed = reliability.filter(pl.col("imputed") != "")
    for columns, who in imputed.group_by("imputed", maintain_order=True):
        notes.append(
            f"Not known of {list_briefly(who['patient'])}: {columns[0]}; the forecast averages over the values that "
            "patients of the trial had."
        )
    before = reliability.filter("progressed_before")["patient"].to_list()
    if before:
        notes.append(f"Sizes of {list_briefly(before)} show progression before the landmark; the next one is forecast.")
    weighed = pl.col("pareto_k").is_not_nan()
    unlike = reliability.filter(pl.col("sampled") & pl.col("reliable") & weighed)["patient"].to_list()
    if unlike:
        notes.append(
            f"Hardly anybody in the trial was like {list_briefly(unlike)} (Pareto k above {K_LIMIT} or fewer than "
            f"{LEAST_EFFECTIVE:g} effective draws): the forecast rests on the tails of the model."
        )
    apart = reliability.filter(~pl.col("reliable") & ~weighed)["patient"].to_list()
    if apart:
        notes.append(f"Not reliable for {list_briefly(apart)}: the chains that sampled their lesions did not agree.")
    weak = reliability.filter(~pl.col("reliable") & weighed)["patient"].to_list()
    if weak:
        notes.append(
            f"Not reliable for {list_briefly(weak)}: nobody in the trial was like them, and the forecast could not be "
            "made from the tails of the model either."
        )
    return tuple(notes)
