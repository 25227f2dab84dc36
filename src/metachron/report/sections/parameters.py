"""Population parameters: in the words of the clinic, and as estimated, with their diagnostics."""

from __future__ import annotations

import polars as pl

from metachron.inference.predict import LIKELY, UNLIKELY
from metachron.report.blocks import Block, Paragraph, Section, Table, picture
from metachron.report.figures import traces
from metachron.report.numbers import Numbers
from metachron.report.wording import capitalised, interval, number, percent


def clinical_section(numbers: Numbers) -> Section:
    """Return the parameters as a clinician reads them."""
    table = numbers.clinical
    head = ["Quantity", "Arm", "Unit", "Median", "90 % interval", "Two thirds of patients"]
    rows = [_clinical_row(row) for row in table.iter_rows(named=True)]
    note = (
        "Sizes and rates are those of the typical patient of an arm: patient effects 0, covariates at their reference "
        "level or mean. The last column says how far patients differ. A hazard ratio above 1 means more events."
    )
    caption = "Population parameters in clinical units: posterior median and 90 % interval."
    spread = table["patients_low"].is_not_null().any()
    if not spread:
        head, rows = head[:-1], [row[:-1] for row in rows]
    blocks: list[Block] = [Paragraph(note), Table(caption, head, rows, numeric=range(3, len(head)))]
    if numbers.fit.model.durable is not None and numbers.fit.cohort is not None:
        blocks.append(_durable(numbers))
    return Section("clinical", "In clinical words", blocks)


def _durable(numbers: Numbers) -> Table:
    """Return how well the data tell who is a durable responder."""
    likely, unlikely = percent(LIKELY), percent(UNLIKELY)
    head = ["Arm", "Patients", "Durable responders expected", f"{likely} or more likely", f"{unlikely} or less likely"]
    rows = [
        [row["arm"], str(row["patients"]), number(row["expected"]), str(row["likely"]), str(row["unlikely"])]
        for row in numbers.durable.iter_rows(named=True)
    ]
    caption = (
        "Durable responders: the probability that a patient's tumour does not grow again, given the patient's data, "
        "added up over patients, and how many patients the data tell apart."
    )
    return Table(caption, head, rows, numeric=range(1, len(head)))


def _clinical_row(row: dict[str, float | str | None]) -> list[str]:
    low, high = row["patients_low"], row["patients_high"]
    text = str(row["quantity"])
    return [
        capitalised(text),
        str(row["arm"]),
        str(row["unit"]),
        number(row["median"]),  # type: ignore[arg-type]
        interval(row["q05"], row["q95"]),  # type: ignore[arg-type]
        "" if low is None else interval(low, high),  # type: ignore[arg-type]
    ]


def parameters_section(numbers: Numbers) -> Section:
    """Return the table of population parameters with R-hat and effective sample sizes."""
    columns = ["mean", "sd", "q05", "q95"]
    table = numbers.fit.summary()
    head = ["Parameter", "Mean", "SD", "5 %", "95 %", "R-hat", "ESS bulk", "ESS tail"]
    rows = [
        [
            row["parameter"],
            *(number(row[name]) for name in columns),
            number(row["rhat"], 4),
            *(number(row[name], max(3, len(f"{row[name]:.0f}"))) for name in ("ess_bulk", "ess_tail")),
        ]
        for row in table.iter_rows(named=True)
    ]
    caption = "Population parameters on the scale they are estimated on (log and logit as their names say)."
    return Section("parameters", "Population parameters", [Table(caption, head, rows, numeric=range(1, len(head)))])


def diagnostics_section(numbers: Numbers) -> Section:
    """Return whether the draws can be trusted, and the traces of the parameters that mixed worst."""
    found = numbers.fit.diagnostics
    word = "" if found.converged else "Do not use the numbers of this report: "
    rows = [
        ["Chains and draws of each", f"{found.chains} \N{MULTIPLICATION SIGN} {found.draws}", ""],
        ["Divergent steps", str(found.divergences), "0 is best; above 1 % the fit fails"],
        [
            "Largest R-hat",
            number(_worst(found.table, "rhat", largest=True), 4),
            "1.01 or less is good; above 1.05 fails",
        ],
        ["Smallest bulk ESS", number(_worst(found.table, "ess_bulk"), 3), "400 or more is good; below 100 fails"],
        ["Smallest tail ESS", number(_worst(found.table, "ess_tail"), 3), "400 or more is good; below 100 fails"],
        ["Smallest E-BFMI", number(min(found.bfmi), 2), "0.3 or more is good; below 0.2 fails"],
    ]
    caption = "Diagnostics of the sampler. ESS: effective sample size."
    chart = picture(
        "traces",
        traces(numbers),
        shows="Traces of the population parameters that mixed worst, one line per chain.",
        caption="Traces of the parameters with the smallest effective sample size, one colour per chain. Chains that "
        "mixed lie over each other without drift.",
    )
    text = f"{word}{found.verdict[:1].upper()}{found.verdict[1:]}."
    return Section(
        "diagnostics",
        "Can the draws be trusted?",
        [Paragraph(text, strong=True), Table(caption, ["Check", "Found", "Wanted"], rows, numeric=(1,)), chart],
    )


def _worst(table: pl.DataFrame, column: str, *, largest: bool = False) -> float:
    values = table[column]
    return float(values.max() if largest else values.min())  # type: ignore[arg-type]
