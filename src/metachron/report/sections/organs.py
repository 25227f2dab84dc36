"""By organ: what was recorded of lesions, where they shrink and grow by the model, and how far they agree."""

from __future__ import annotations

import math

from metachron.inference.predict import Agreement, has_organs
from metachron.report.blocks import Block, LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures import organ_parameters, progression_origins
from metachron.report.numbers import Numbers
from metachron.report.wording import capitalised, count, interval, number, percent

_HEAD = [
    "Quantity", "Organ", "Arm", "Lesions", "Median", "90 % interval", "Against reference", "90 % interval",
    "Does worse",
]  # fmt: skip


def organs_section(numbers: Numbers) -> Section | LeftOut:
    """Return what was recorded by organ, and where the model has effects of organs its parameters by organ."""
    recorded = _recorded(numbers) if numbers.response_by_organ.height else []
    estimated = _estimated(numbers) if has_organs(numbers.fit) else []
    if not recorded and not estimated:
        return LeftOut("Organs are not shown: neither single lesions nor new lesions are recorded.")
    return Section("organs", "By organ", [*recorded, *estimated])


def _recorded(numbers: Numbers) -> list[Block]:
    """Return what was recorded in each arm and organ, and how far lesions of one patient agree."""
    table = numbers.response_by_organ
    rows = [
        [
            str(row["arm"]),
            str(row["organ"]).replace("_", " "),
            count(row["lesions"]),
            *("" if row[name] is None else percent(row[name]) for name in ("best_change", "shrunk", "vanished")),
            count(row["progression_by_growth"]),
            count(row["progression_by_new_lesion"]),
            count(row["new_lesions"]),
            "" if row["new_lesions_per_year"] is None else number(row["new_lesions_per_year"], 2),
        ]
        for row in table.iter_rows(named=True)
    ]
    caption = (
        "As recorded. Lesions: with a size at baseline and after it; their deepest change (median), the share 30 % or "
        "more below baseline at some visit, and the share once absent or too small to measure. Progression: patients "
        "whose first progression was growth of the sum by 20 % and 5 mm, most of it in this organ, or a new lesion in "
        "it. New lesions, where any were found: their number, and per patient and year under observation for them."
    )
    head = [
        "Arm", "Organ", "Lesions", "Deepest change", "Shrunk by 30 %", "Vanished", "Progression by growth",
        "Progression by new lesion", "New lesions", "Per year",
    ]  # fmt: skip
    if not table["new_lesions"].sum():
        head, rows = head[:-3], [row[:-3] for row in rows]
    blocks: list[Block] = [Table(caption, head, rows, numeric=range(2, len(head)))]
    if table["progression_by_growth"].sum() or table["progression_by_new_lesion"].sum():
        chart = picture(
            "progression-origins",
            progression_origins(numbers),
            shows="Number of patients by the organ and the kind of their first progression, by arm",
            caption="Where the first progression came from. A patient whose first new lesions were in several organs "
            "counts in each.",
        )
        blocks.append(chart)
    if numbers.agreement.patients:
        blocks.append(Paragraph(agreement_words(numbers.agreement)))
    return blocks


def agreement_words(found: Agreement) -> str:
    """Return in a sentence how far lesions of one patient agree."""
    mixed = (
        f"Of {count(found.patients)} patients with two lesions or more, {percent(found.mixed)} had a mixed response: "
        "at one visit a lesion 30 % below its baseline and another 20 % above."
    )
    if math.isnan(found.between):
        return mixed
    return (
        f"{mixed} {percent(found.between)} of the variance of the deepest change, on the log scale, lies between "
        "patients: 100 % where the lesions of a patient all respond alike."
    )


def _estimated(numbers: Numbers) -> list[Block]:
    """Return the parameters by organ with a figure, and the shares of variance."""
    table = numbers.organs
    rows = [
        [
            f"{capitalised(row['quantity'])}, {row['unit']}",
            str(row["organ"]).replace("_", " "),
            str(row["arm"]),
            count(row["lesions"]),
            number(row["value_q50"]),
            interval(row["value_q05"], row["value_q95"]),
            number(row["against_reference_q50"]),
            interval(row["against_reference_q05"], row["against_reference_q95"]),
            "" if row["probability_worse"] is None else percent(row["probability_worse"]),
        ]
        for row in table.iter_rows(named=True)
    ]
    reference = str(table["reference"][0]).replace("_", " ")
    note = (
        f"The typical patient's lesions in each organ. The comparison is with {reference}: a ratio of rates or sizes, "
        "a ratio of odds of fractions. Organs with few lesions are drawn towards the others. The last column is the "
        "probability that lesions do worse there: grow faster, shrink more slowly, or are reached less by treatment."
    )
    chart = picture(
        "organs",
        organ_parameters(numbers),
        shows="Median and interval of every parameter of the tumour law by organ",
        caption="Parameters of tumour size by organ: posterior median and 90 % interval of the typical patient.",
    )
    blocks: list[Block] = [
        Paragraph(note),
        chart,
        Table("Parameters by organ.", _HEAD, rows, numeric=range(3, len(_HEAD))),
    ]
    shares = numbers.variance_shares
    if shares is not None:
        levels = [
            [row["parameter"], row["level"], percent(row["q50"]), f"{percent(row['q05'])} to {percent(row['q95'])}"]
            for row in shares.iter_rows(named=True)
        ]
        caption = (
            "Share of the variance of each parameter between patients, between organs, and between the lesions of one "
            "patient and organ. Arms and covariates are not counted."
        )
        blocks.append(Table(caption, ["Parameter", "Between", "Median", "90 % interval"], levels, numeric=(2, 3)))
    return blocks
