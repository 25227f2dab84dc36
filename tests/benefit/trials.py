"""Small trials for the tests of benefit, and the models of one written out for the Cox command."""

from __future__ import annotations

import numpy as np
import polars as pl

from metachron.base import DAYS_PER_YEAR
from metachron.cohort import Cohort


def small_trial(seed: int = 1, count: int = 200, **change: object) -> Cohort:
    """Return a trial of two arms with a number, a yes-no marker, three kinds, deaths and best responses."""
    generator = np.random.default_rng(seed)
    treated = np.arange(count) % 2
    number, yes = generator.gamma(2.0, 4.0, count), generator.random(count) < 0.4
    kind = generator.choice(["a", "b", "c"], count)
    year = generator.exponential(1.5 * np.exp(0.02 * number - 0.5 * yes + 0.6 * yes * treated))
    seen = generator.uniform(0.5, 3.0, count)
    day = np.ceil(np.minimum(year, seen) * DAYS_PER_YEAR)
    name = [f"p{index:03d}" for index in range(count)]
    patients = {
        "patient": name, "study": ["s"] * count, "arm": np.where(treated == 1, "new", "old"), "number": number,
        "yes": yes.astype(float), "kind": kind, "site": generator.choice(["x", "y"], count),
    }  # fmt: skip
    patients |= change
    chance = 1.0 / (1.0 + np.exp(1.0 - 0.8 * yes * treated - 0.02 * number))
    best = np.where(generator.random(count) < chance, "PR", "SD")
    died = year <= seen
    tables = {
        "patients": pl.DataFrame(patients),
        "followup": pl.DataFrame({"patient": name, "kind": "death", "entry_day": 0.0, "last_day": day}),
        "events": pl.DataFrame(
            {"patient": name, "kind": ["death"] * count, "day_lower": day, "day_upper": day}
        ).filter(pl.Series(died)),
        "assessments": pl.DataFrame({"patient": name[:-5], "response": best[:-5]}).with_columns(
            day=pl.lit(None, pl.Float64), criterion=pl.lit("RECIST 1.1"), assessor=pl.lit("investigator")
        ),
    }  # fmt: skip
    return Cohort.create("small", tables)
