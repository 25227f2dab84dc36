"""``python -m benchmarks.loris``: a competitor of LORIS, on the same patients and by the same measures.

Logistic regression with an elastic net. Terms and penalty are chosen by cross-validation in the cohort on which LORIS
was made, and the models are then evaluated once on the other cohorts. Response: areas under the ROC curve, the
difference with DeLong's interval. Overall survival: AUC at one year with censoring weights, and the difference by
bootstrap.
About 4 minutes on 2 cores.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.elastic_net import Chosen, choose
from benchmarks.loris_markers import INPUTS, Design, design_of, has
from benchmarks.stan_build import ROOT
from metachron.benefit import read_endpoint
from metachron.cohort import Cohort
from metachron.cohort.read import load
from metachron.scores import compare_auc, compute_scores, response_auc
from metachron.survival.measures import auc, bootstrap

TRAINING = "loris-chowell-train"
COHORTS = {
    "loris-chowell-test": "", "loris-msk1": "", "loris-shim-nsclc": "", "loris-vanguri-nsclc": "",
    "loris-pradat-pancancer": "", "loris-msk2": "no cancer type of the training",
    "loris-kato-pancancer": "albumin and NLR filled in", "loris-ravi-nsclc": "albumin and NLR filled in",
}  # fmt: skip
"""Every other cohort, and why it does not count in the mean."""
NO_SURVIVAL = ("loris-vanguri-nsclc",)
"""Overall survival is given only for those who died."""
LORIS, YEAR = "loris-pan-cancer", 1.0


@dataclass(frozen=True, eq=False)
class Compared:
    """The same patients with outcome, LORIS, and the competitor."""

    table: pl.DataFrame
    left_out: int


def compared(cohort: Cohort, inputs: tuple[str, ...], chosen: Chosen) -> Compared:
    """Return the patients who have response and all inputs of both."""
    design = design_of(cohort, inputs)
    ours = pl.DataFrame({"patient": design.patients, "ours": chosen.fit.score(design.columns)})
    theirs = compute_scores(cohort, [LORIS]).values.select("patient", loris="value")
    response = read_endpoint(cohort, "response").select("patient", "response")
    table = response.join(theirs, on="patient").join(ours, on="patient").drop_nulls()
    return Compared(table, cohort.patients.height - table.height)


def response_row(name: str, label: str, found: Compared) -> dict[str, object]:
    """Return the areas of both for response, and their difference."""
    both = compare_auc(found.table["response"], found.table["ours"], found.table["loris"])
    return {
        "cohort": name.removeprefix("loris-"), "inputs": label, "patients": found.table.height,
        "left out": found.left_out, "responders": both.first.responders, "LORIS": both.second.value,
        "ours": both.first.value, "difference": both.difference, "low": both.low, "high": both.high,
        "se": both.standard_error, "remark": COHORTS[name],
    }  # fmt: skip


def survival_row(name: str, label: str, cohort: Cohort, found: Compared) -> dict[str, object]:
    """Return the AUC of both for death by one year, and the difference with its bootstrap interval."""
    table = read_endpoint(cohort, "os").join(found.table, on="patient")
    time, event = table["time_year"].to_numpy(), table["event"].to_numpy()
    scores = [-table[column].to_numpy() for column in ("ours", "loris")]

    def difference(rows: np.ndarray) -> float:
        ours, theirs = (auc(time[rows], event[rows], score[rows], YEAR) for score in scores)
        return ours - theirs

    everybody = np.arange(len(time))
    low, high = bootstrap(len(time), difference, samples=1000, level=0.95)
    return {
        "cohort": name.removeprefix("loris-"), "inputs": label, "patients": len(time),
        "LORIS": auc(time, event, scores[1], YEAR), "ours": auc(time, event, scores[0], YEAR),
        "difference": difference(everybody), "low": low, "high": high, "remark": COHORTS[name],
    }  # fmt: skip


def mean_difference(rows: pl.DataFrame) -> tuple[float, float, float]:
    """Return the mean of the differences weighted by their inverse variance, with a 95 % interval."""
    counted = rows.filter(pl.col("remark") == "")
    weight = 1.0 / counted["se"].to_numpy() ** 2
    mean = float(weight @ counted["difference"].to_numpy() / weight.sum())
    reach = 1.959964 / np.sqrt(weight.sum())
    return mean, mean - reach, mean + reach


def train(cohort: Cohort, label: str) -> Chosen:
    """Return the model for a set of inputs, and tell what cross-validation says of it."""
    design = design_of(cohort, INPUTS[label])
    response = cohort.patients["response"].to_numpy().astype(float)
    chosen = choose(design.columns, response)
    areas = [response_auc(response, scores).value for scores in chosen.out_of_fold]
    print(f"{label}: {len(design.terms)} terms, penalty {chosen.penalty:.4f}, mix {chosen.mix:g}; out of fold AUC "
          f"{np.mean(areas):.4f} (repeats {min(areas):.4f} to {max(areas):.4f})", flush=True)  # fmt: skip
    print(f"  {_terms(design, chosen)}", flush=True)
    return chosen


def _terms(design: Design, chosen: Chosen) -> str:
    pairs = sorted(zip(design.terms, chosen.fit.coefficients, strict=True), key=lambda pair: -abs(pair[1]))
    return ", ".join(f"{name} {value:+.3f}" for name, value in pairs if value != 0.0)


def main() -> None:
    """Print what was chosen, and both tables."""
    os.environ.setdefault("METACHRON_DATA", str(ROOT.parent / "shared" / "data"))
    training = load(TRAINING)
    loris = compute_scores(training, [LORIS]).values["value"]
    print(f"LORIS where it was made: AUC {response_auc(training.patients['response'], loris).value:.4f}", flush=True)
    answers, survivals = [], []
    for label, inputs in INPUTS.items():
        chosen = train(training, label)
        for name in COHORTS:
            cohort = load(name)
            if not has(cohort, inputs):
                continue
            found = compared(cohort, inputs, chosen)
            answers.append(response_row(name, label, found))
            if name not in NO_SURVIVAL:
                survivals.append(survival_row(name, label, cohort, found))
    table = pl.DataFrame(answers)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, float_precision=3, tbl_hide_dataframe_shape=True):
        print("response", table.drop("se"), sep="\n")
        for (label,), rows in table.group_by("inputs", maintain_order=True):
            mean, low, high = mean_difference(rows)
            print(f"mean difference, {label}: {mean:+.4f} ({low:+.4f} to {high:+.4f})")
        print("death by one year", pl.DataFrame(survivals), sep="\n")


if __name__ == "__main__":
    main()
