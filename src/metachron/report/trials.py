"""The page of a running trial: its planned analysis foretold."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from metachron.forecast import TrialForecast
from metachron.report.blocks import Bullets, Paragraph, Section, Table, picture
from metachron.report.figures.trial import trial_forecast
from metachron.report.page import render_page, write_page
from metachron.report.wording import number, percent


def write_trial_page(found: TrialForecast, path: str | Path, *, title: str | None = None) -> Path:
    """Write the forecast of a running trial as one self-contained HTML file and return its path.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    heading = title or f"The planned analysis: {found.experimental} against {found.control}"
    return write_page(path, lambda: render_page(heading, _sections(found), version=version("metachron")))


def _sections(found: TrialForecast) -> list[Section]:
    said = (
        f"Probability of success {percent(found.probability_of_success)}: a log-rank test with p below {found.alpha:g} "
        f"in favour of {found.experimental}. So far there are {found.events_now} events."
    )
    rows = [
        [row["quantity"], *(number(row[name]) for name in ("q50", "q05", "q95"))]
        for row in found.summary().iter_rows(named=True)
    ]
    caption = "Over draws of the posterior and of what is still to happen: median and 90 % interval."
    chart = picture(
        "trial",
        trial_forecast(found),
        shows="Kaplan-Meier curves of today and at the analysis, one panel per arm.",
        caption="Today's Kaplan-Meier curve, and the one of the planned analysis: median and 90 % interval.",
    )
    table = Table(caption, ["", "median", "5 %", "95 %"], rows, numeric=(1, 2, 3))
    return [
        Section("summary", "What to expect", [Paragraph(said, strong=True), table, chart]),
        Section("assumed", "How to take this", [Bullets(found.notes)]),
    ]
