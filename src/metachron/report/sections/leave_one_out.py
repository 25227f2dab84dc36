"""How well does the model foretell a patient it has not seen? Leave-one-out, and whose is not to be trusted."""

from __future__ import annotations

from metachron.inference.criticism import LeaveOneOut
from metachron.inference.criticism.loo import K_LIMIT
from metachron.report.blocks import LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures import pareto_k
from metachron.report.numbers import Numbers
from metachron.report.wording import decimals, joined

_SHOWN = 8


def leave_one_out_section(numbers: Numbers) -> Section | LeftOut:
    """Return the totals of leave-one-out, Pareto k by patient, and what to do where it is large."""
    if numbers.fit.cohort is None:
        return LeftOut("Leave-one-out is not shown: the fit holds no patients.")
    found = numbers.left_out
    if isinstance(found, str):
        return LeftOut(f"Leave-one-out is not shown: {found}.")
    how = (
        "The log density that the model gives to the data of a patient it has not seen, effects integrated out, summed "
        "over patients, sizes per mm (Vehtari 2017, doi:10.1007/s11222-016-9696-4). It says which of several models of "
        "the same patients foretells best; by itself it has no scale."
    )
    chart = picture(
        "paretok",
        pareto_k(numbers),
        shows="Pareto k of each patient against the log density that the patient's own data gave.",
        caption=f"Each point is a patient. Dashed: {K_LIMIT:g}, above which the patient's value is not to be trusted. "
        "Points far to the right are patients who moved the fit most.",
    )
    return Section(
        "leave-one-out",
        "How well does it foretell a patient it has not seen?",
        [
            Paragraph(_advice(found), strong=bool(found.weak_patients)),
            Paragraph(how),
            _totals(found),
            _hardest(found),
            chart,
        ],
    )


def _advice(found: LeaveOneOut) -> str:
    if found.table["pareto_k"].is_nan().all():
        return "Pareto k is not known: that takes at least 30 draws."
    if not found.weak_patients:
        return f"Pareto k is below {K_LIMIT:g} for every patient: the numbers can be used."
    names = list(found.weak_patients)
    named = joined(names) if len(names) <= _SHOWN else f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return (
        f"Pareto k is above {K_LIMIT:g} for {named}: one patient moves the posterior there more than reweighting can "
        "follow. Look at the patient's data first; then fit again without the patient, or allow heavier tails or "
        "another law; until then do not rank models by differences of the size of that patient's part."
    )


def _totals(found: LeaveOneOut) -> Table:
    rows = [
        [
            "Expected log predictive density (elpd)",
            f"{decimals(found.elpd, 1)} (standard error {decimals(found.se, 1)})",
        ],
        ["Effective number of parameters (p_loo)", decimals(found.p_loo, 1)],
        ["Monte Carlo error of elpd", decimals(found.mcse)],
        ["Largest Pareto k", decimals(found.max_pareto_k)],
        [f"Patients with Pareto k above {K_LIMIT:g}", str(len(found.weak_patients))],
    ]
    return Table("Leave-one-out by patient.", ["Quantity", "Found"], rows, numeric=(1,))


def _hardest(found: LeaveOneOut) -> Table:
    table = found.table.sort("p_loo", descending=True).head(_SHOWN)
    rows = [
        [row["patient"], decimals(row["elpd"], 1), decimals(row["p_loo"]), decimals(row["pareto_k"])]
        for row in table.iter_rows(named=True)
    ]
    caption = "The patients who moved the fit most: those whose own data gave most of their log density."
    return Table(caption, ["Patient", "elpd", "p_loo", "Pareto k"], rows, numeric=(1, 2, 3))
