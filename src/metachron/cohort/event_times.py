"""Times to an event as a table: one row per patient who was followed for it."""

from __future__ import annotations

import numpy as np
import polars as pl

from metachron.cohort.cohort import Cohort


def times_to_event(cohort: Cohort, event: str) -> pl.DataFrame:
    """Return patient, arm, entry_year, time_year, event (False: censored) and interval (True: known to an interval).

    An event that is known to lie between two days stands at the later one, when it was found. Patients without
    follow-up for the event are left out.
    """
    rows = cohort.to_arrays(None, event=event).events
    assert rows is not None
    code = rows.code[: cohort.patients.height]
    table = cohort.patients.select("patient", "arm").with_columns(
        pl.Series("entry_year", rows.entry_year[: len(code)]),
        pl.Series("time_year", np.where(code == 2, rows.upper_year[: len(code)], rows.lower_year[: len(code)])),
        pl.Series("event", code > 0),
        pl.Series("interval", code == 2),
    )
    return table.filter(pl.Series(code >= 0))
