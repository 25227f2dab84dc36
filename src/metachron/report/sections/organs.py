"""By organ: where lesions shrink and grow, and how far the lesions of one patient agree."""

from __future__ import annotations

from metachron.inference.predict import has_organs
from metachron.report.blocks import Block, LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures import organ_parameters
from metachron.report.numbers import Numbers
from metachron.report.wording import capitalised, count, interval, number, percent

_HEAD = [
    "Quantity", "Organ", "Arm", "Lesions", "Median", "90 % interval", "Against reference", "90 % interval",
    "Does worse",
]  # fmt: skip


def organs_section(numbers: Numbers) -> Section | LeftOut:
    """Return the parameters by organ with a figure, and the shares of variance."""
    if not has_organs(numbers.fit):
        return LeftOut("Organs are not shown: the model has no effects of organs, which need sizes lesion by lesion.")
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
    return Section("organs", "By organ", blocks)
