"""The report of a comparison of models: which foretells unseen patients best, how sure that is, and what failed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metachron.inference.criticism import Comparison, ModelComparison
from metachron.inference.criticism.compare import APART, CLOSE, SMALL_DIFFERENCE
from metachron.report.blocks import Block, Bullets, Folded, LeftOut, Paragraph, Section, Table, picture
from metachron.report.figures import elpd_differences, patient_differences
from metachron.report.page import render_page, write_page
from metachron.report.sections import RESEARCH_USE
from metachron.report.wording import count, joined, number

_SHOWN_PATIENTS = 5


def write_comparison_report(found: ModelComparison, path: str | Path, *, title: str | None = None) -> Path:
    """Write the report of a comparison as one self-contained HTML file and return its path.

    Parameters
    ----------
    title : heading; the name of the cohort unless given.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    parts = (_summary, _ranking, _patients, _not_ranked, _fitted, _how_to_read, _provenance)
    heading = title or f"Models compared: {found.cohort}"
    return write_page(path, lambda: render_page(heading, [part(found) for part in parts], version=_version(found)))


def _version(found: ModelComparison) -> str:
    """Return the version of metachron that made the fits: it is the same for all."""
    made = [outcome.provenance for outcome in found.outcomes if outcome.provenance]
    return made[0].get("versions", {}).get("metachron", "") if made else ""


def _summary(found: ModelComparison) -> Section:
    blocks: list[Block] = []
    if found.comparison is None:
        blocks.append(Paragraph("No model could be ranked: none has a fit that can be used.", strong=True))
    else:
        blocks.append(Paragraph(_best(found.comparison), strong=True))
        blocks.append(Bullets([*_behind(found.comparison), *(f"Caution: {one}." for one in found.comparison.cautions)]))
    if found.not_ranked:
        names = joined([f"{outcome.name} ({outcome.status})" for outcome in found.not_ranked])
        blocks.append(Paragraph(f"Not ranked: {names}."))
    return Section("summary", "What this says", [*blocks, Paragraph(RESEARCH_USE)])


def _best(comparison: Comparison) -> str:
    """Return which model leads, and who cannot be told apart from it."""
    best = comparison.names[0]
    close = comparison.table.filter(pl.col("verdict") == CLOSE)["model"].to_list()
    if len(comparison.names) == 1:
        return f"Only {best} could be ranked: there is nothing to compare it with."
    if not close:
        return f"{best} foretells left-out patients better than every other model ranked."
    return f"{best} ranks first, but these data do not tell it apart from {joined(close)}: take the simplest of them."


def _behind(comparison: Comparison) -> list[str]:
    """Return how far the second is behind, and how much of the best mixture is the first."""
    if len(comparison.names) == 1:
        return []
    first, second = comparison.table.head(2).iter_rows(named=True)
    return [
        f"{second['model']} is {number(-second['difference'])} behind in elpd (standard error of the difference "
        f"{number(second['difference_se'], 2)}).",
        f"In the mixture of models that foretells best, {first['model']} has weight {number(first['weight'], 2)}.",
    ]


def _ranking(found: ModelComparison) -> Section | LeftOut:
    if found.comparison is None:
        return LeftOut("There is no ranking: no model has a fit that can be used.")
    rows = [
        [
            row["model"],
            number(row["elpd"], 5),
            number(row["difference"]),
            number(row["difference_se"], 2),
            number(row["p_loo"]),
            count(row["weak"]),
            number(row["weight"], 2),
            row["verdict"],
        ]
        for row in found.comparison.table.iter_rows(named=True)
    ]
    head = ["Model", "elpd", "Difference", "SE", "p_loo", "Weak patients", "Weight", "Verdict"]
    caption = f"Models of {found.patients} patients, best first, by leave-one-out by patient."
    chart = picture(
        "differences",
        elpd_differences(found.comparison),
        shows="Difference of elpd of every model to the best, with bars.",
        caption="Difference of elpd to the best model; bars: 2 standard errors of the difference to either side. "
        "Orange: worse than the best.",
    )
    return Section("ranking", "Ranking", [Table(caption, head, rows, numeric=range(1, 7)), chart])


def _patients(found: ModelComparison) -> Section | LeftOut:
    if found.comparison is None or len(found.comparison.names) < 2:
        return LeftOut("Patients are not compared: fewer than two models are ranked.")
    best, second = found.comparison.names[:2]
    text = (
        f"Difference of elpd of every patient, {second} minus {best}: below 0 the best model foretells the patient "
        "better. A difference that rests on few patients says that these are unusual, not that a model is better."
    )
    chart = picture(
        "patients",
        patient_differences(found.comparison),
        shows="Left: difference of each patient in order. Right: the same summed up.",
        caption="Left: each patient. Right: summed from left to right; where the line ends is the difference in the "
        "ranking, and how steeply it begins shows how few patients it rests on.",
    )
    return Section("patients", "Patient by patient", [Paragraph(text), chart, _extreme_patients(found.comparison)])


def _extreme_patients(comparison: Comparison) -> Table:
    """Return the patients whom one of the two best models foretells better than the other by most."""
    table = comparison.pointwise().sort("difference")
    if table.height > 2 * _SHOWN_PATIENTS:
        table = pl.concat([table.head(_SHOWN_PATIENTS), table.tail(_SHOWN_PATIENTS)])
    weak = {name: set(comparison.each[name].weak_patients) for name in comparison.names[:2]}
    rows = [
        [
            row["patient"],
            *(number(row[column], 3) for column in ("best", "other", "difference")),
            "yes" if any(row["patient"] in patients for patients in weak.values()) else "",
        ]
        for row in table.iter_rows(named=True)
    ]
    caption = "Patients for whom the two best models differ most, either way."
    head = ["Patient", f"elpd, {comparison.names[0]}", f"elpd, {comparison.names[1]}", "Difference", "Weak"]
    return Table(caption, head, rows, numeric=(1, 2, 3))


def _not_ranked(found: ModelComparison) -> Section | LeftOut:
    if not found.not_ranked:
        return LeftOut("No failures: every model was possible, and every fit converged.")
    rows = [[outcome.name, outcome.status, outcome.reason] for outcome in found.not_ranked]
    text = "What is not ranked is neither better nor worse than the models above: nothing is known of it."
    return Section("failures", "Not ranked", [Paragraph(text), Table("And why.", ["Model", "What", "Reason"], rows)])


def _fitted(found: ModelComparison) -> Section:
    rows = [
        [
            outcome.name,
            outcome.candidate.model.describe(),
            outcome.reason if outcome.loo is not None else outcome.status,
        ]
        for outcome in found.outcomes
        if outcome.candidate.model is not None
    ]
    files = [
        Folded(f"Model file: {outcome.name}", text=outcome.candidate.model.to_toml())
        for outcome in found.outcomes
        if outcome.candidate.model is not None
    ]
    table = Table(f"Fitted to {found.cohort}, {found.patients} patients.", ["Name", "Model", "Fit"], rows)
    return Section("fitted", "What was fitted", [table, *files])


def _how_to_read(found: ModelComparison) -> Section:
    return Section(
        "how-to-read",
        "How to read this",
        [
            Bullets(
                [
                    "elpd: the log density that a model gives to all data of a patient (sizes per mm and event "
                    "together) whom it has not seen, summed over patients; more is better. It is estimated by "
                    "Pareto-smoothed leave-one-out (Vehtari 2017, doi:10.1007/s11222-016-9696-4), patient effects "
                    "integrated out.",
                    f"A model is called worse when it is more than {APART:g} standard errors and more than "
                    f"{SMALL_DIFFERENCE:g} behind the best. Smaller differences are not to be relied on, nor their "
                    "standard errors, which are too small in cohorts of fewer than 100 patients (Sivula 2020, "
                    "arXiv:2008.10296).",
                    "p_loo: effective number of parameters. Far more than the model has population parameters: it is "
                    "misspecified, or some patients are foretold badly.",
                    "Weak patients: Pareto k above 0.7; leaving them out changes the posterior too much for the "
                    "estimate, so that elpd may be too high.",
                    "Weight: of the model in the mixture of all that foretells best (stacking, Yao 2018, "
                    "doi:10.1214/17-BA1091). Models that foretell alike share weight arbitrarily.",
                    "The best of these models may still describe the data badly: look at the checks in its own report "
                    "(metachron report). After many comparisons the winner's lead is flattered.",
                ]
            )
        ],
    )


def _provenance(found: ModelComparison) -> Section:
    rows = [
        [
            outcome.name,
            str(made["engine"]),
            f"{made['chains']} \N{MULTIPLICATION SIGN} {made['draws']}",
            count(made["warmup"]),
            str(made["seed"]),
            number(made["wall_seconds"]),
            str(made["made"]),
        ]
        for outcome in found.outcomes
        if (made := outcome.provenance)
    ]
    head = ["Model", "Engine", "Chains and draws", "Warm-up", "Seed", "Seconds", "Made"]
    versions = sorted(
        {
            ", ".join(f"{name} {release}" for name, release in outcome.provenance["versions"].items())
            for outcome in found.outcomes
            if outcome.provenance
        }
    )
    blocks: list[Block] = [Table("How the fits were made.", head, rows, numeric=(3, 5)), Bullets(versions, "Versions")]
    blocks.append(Paragraph(f"Data: {found.cohort}, SHA-256 {found.cohort_sha256}."))
    return Section("provenance", "Provenance", blocks)
