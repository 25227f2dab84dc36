"""Are prediction errors what they should be? Of sizes and of times to the event, with individual residuals."""

from __future__ import annotations

from metachron.inference.criticism import NormalTests
from metachron.report.blocks import Block, LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures import event_errors, size_errors
from metachron.report.figures.errors import DRAWN
from metachron.report.numbers import REPLICATES, Numbers
from metachron.report.wording import capitalised, count, decimals, p_value, percent


def prediction_errors_section(numbers: Numbers) -> Section | LeftOut:
    """Return the tests and plots of prediction errors, and of residuals."""
    if numbers.fit.cohort is None:
        return LeftOut("Prediction errors are not shown: the fit holds no patients.")
    model, event = numbers.fit.model, numbers.event.replace("_", " ")
    rows: list[tuple[str, NormalTests]] = []
    charts: list[Block] = []
    if model.dynamics is not None:
        rows.append(("sizes", numbers.size_errors.tests))
        charts.append(_sizes(numbers))
    if model.hazard is not None:
        rows.append((f"times to {event}", numbers.event_errors.tests))
        charts.append(_events(numbers, event))
    says = [f"Of {what}: {tests.sentence}." for what, tests in rows]
    how = (
        f"A prediction error places what was recorded among {count(REPLICATES)} replicates of the same patient with "
        "effects drawn anew; where the model is right, errors are standard normal: mean 0, variance 1. The p values "
        "take the errors as independent and know nothing of the fit to the same data; in large cohorts deviations too "
        "small to matter have small p values too, so look at mean, variance and plots first."
    )
    return Section(
        "prediction-errors",
        "Are prediction errors what they should be?",
        [Paragraph(" ".join(says)), Paragraph(how), _table(rows), *charts],
    )


def _table(rows: list[tuple[str, NormalTests]]) -> Table:
    head = ["Errors of", "Number", "Mean", "p", "Variance", "p", "Shape, p", "Joint p"]
    cells = [
        [
            capitalised(what),
            count(tests.count),
            decimals(tests.mean),
            p_value(tests.mean_p),
            decimals(tests.variance),
            *(p_value(value) for value in (tests.variance_p, tests.normality_p, tests.joint_p)),
        ]
        for what, tests in rows
    ]
    caption = (
        "Normalised prediction errors (Brendel 2006, doi:10.1007/s11095-005-9067-5), with t, chi-squared and "
        "Shapiro-Wilk tests and their joint p value."
    )
    return Table(caption, head, cells, numeric=range(1, len(head)))


def _sizes(numbers: Numbers) -> Block:
    given = (
        f" and the patient's own {numbers.event.replace('_', ' ')} or its censoring" if numbers.observed.height else ""
    )
    spread = numbers.residuals["residual"].drop_nulls().std()
    shrunk = percent(max(0.0, 1.0 - float(spread)) if isinstance(spread, float) else 0.0)
    total = numbers.size_errors.table.height
    thinned = f" {DRAWN} of {count(total)} points are drawn." if total > DRAWN else ""
    return picture(
        "sizeerrors",
        size_errors(numbers),
        shows="Prediction errors of sizes, and individual residuals, against time and prediction and in normal plots.",
        caption=f"Above: prediction errors given the earlier sizes{given}. Below: individual weighted residuals, the "
        f"recorded size about the patient's own fitted course; they scatter {shrunk} less than standard normal values, "
        "since that course was fitted to the same sizes. Diamonds: means of bins with equal numbers, with 90 % "
        f"intervals, which should reach 0. Dashed: limits of 90 % of standard normal values. Triangles: below the "
        f"limit, by their probability. Bands: where 90 % of so many normal values lie.{thinned}",
    )


def _events(numbers: Numbers, event: str) -> Block:
    return picture(
        "eventerrors",
        event_errors(numbers),
        shows=f"Normal plots of the prediction errors of times to {event}, one panel per arm.",
        caption=f"Prediction errors of times to {event} in order, against normal quantiles. Above the line: {event} "
        "later than predicted. For censored patients a value is drawn among those that are possible.",
    )
