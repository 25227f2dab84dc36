"""``python -m benchmarks.benefit [oak] [inspire] [poplar]``: numbers of benefit-curves.md and on-treatment.md in docs.

OAK: benefit of atezolizumab over docetaxel by blood TMB and by baseline size, predicted benefit, the value of rules.
INSPIRE: what the change of ctDNA and of tumour size on treatment adds at a landmark.
POPLAR: a model learned in OAK, judged there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import polars as pl

from metachron.benefit import (
    TrialOutcome,
    added_value,
    benefit_curve,
    c_for_benefit,
    calibrate_benefit,
    cox_functions,
    cross_validated_rule_value,
    decision_curve,
    fit_cox_benefit,
    hazard_ratio_curve,
    landmark_table,
    learn_by_regression,
    read_endpoint,
    response_outcome,
    survival_outcome,
    validate,
)
from metachron.benefit.learning import draw_folds
from metachron.cohort.read import load

HORIZON_YEAR = 1.5
"""Within follow-up of both arms of OAK and POPLAR."""
SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)


def main(names: list[str]) -> None:
    """Print the numbers of the parts named; of all without a name."""
    parts: dict[str, Callable[[], None]] = {"oak": oak, "inspire": inspire, "poplar": poplar}
    with pl.Config(tbl_rows=60, tbl_cols=20, tbl_width_chars=160, tbl_hide_dataframe_shape=True, float_precision=3):
        for name in names or list(parts):
            print(f"\n== {name}")
            parts[name]()


def oak() -> None:
    """Print benefit by marker, predicted benefit, and values of rules, patients with blood TMB and a baseline size."""
    table = _second_line("oak-clinical").drop_nulls(["btmb", "log_size"])
    treated = (table["arm"] == "atezolizumab").to_numpy()
    outcome = survival_outcome(table["time_year"], table["event"], treated=treated, horizon_year=HORIZON_YEAR)
    print(f"{len(outcome)} patients, {treated.sum()} on atezolizumab; years lived up to {HORIZON_YEAR} years")
    for name in ("log2_btmb", "log_size"):
        at = np.quantile(table[name].to_numpy(), SHOWN)
        for curve in (
            benefit_curve(table[name], outcome, name=name, at=at),
            hazard_ratio_curve(table[name], outcome, name=name, at=at),
        ):
            grid = benefit_curve if curve.measure != "hazard_ratio" else hazard_ratio_curve
            whole = grid(table[name], outcome, name=name)
            print(f"{name}: {curve.measure}; p of change {curve.p_value:.3f}, of curvature {curve.p_curvature:.3f}; "
                  f"the band over 101 places takes {whole.critical:.2f} standard errors")  # fmt: skip
            print(curve.table)
    known = table.drop_nulls("response")
    responses = response_outcome(known["response"], treated=known["arm"] == "atezolizumab")
    curve = benefit_curve(known["log2_btmb"], responses, name="log2_btmb", knots=3,
                          at=np.quantile(known["log2_btmb"].to_numpy(), SHOWN))  # fmt: skip
    print(f"response, {len(responses)} with a recorded response; p of change {curve.p_value:.3f}")
    print(curve.table)
    _predicted(table.with_columns(pl.Series("treated", treated)), outcome)
    _rules(table, outcome)


def _predicted(table: pl.DataFrame, outcome: TrialOutcome) -> None:
    markers = ["log2_btmb", "log_size", "ecog", "met_sites"]
    fold = draw_folds(table.height, 10, np.random.default_rng(1), alike=outcome.treated)
    predicted = np.empty(table.height)
    for number in range(10):
        out = pl.Series(fold == number)
        model = fit_cox_benefit(table.filter(~out), markers=markers)
        predicted[out.to_numpy()] = model.benefit(table.filter(out), horizon_year=HORIZON_YEAR)
    found = c_for_benefit(predicted, outcome)
    print(f"out-of-fold c-for-benefit {found.value:.3f} ({found.lower:.3f} to {found.upper:.3f})")
    print(calibrate_benefit(predicted, outcome))


def _rules(table: pl.DataFrame, outcome: TrialOutcome) -> None:
    for markers in (["log2_btmb"], ["log2_btmb", "log_size", "ecog", "met_sites"]):
        found = cross_validated_rule_value(table, outcome, learn_by_regression(markers), covariates=markers)
        print(f"treat where {', '.join(markers)} predict a gain: {found.treat_share:.2f} treated, "
              f"{found.agreement:.2f} decided alike in all repeats")  # fmt: skip
        print(found.table)


def inspire() -> None:
    """Print what markers on treatment add at cycle 3 and at week 12."""
    cohort = load("inspire")
    baseline = ["pdl1_percent", "log_tmb", "log_baseline_size"]
    ctdna = "last:ctdna_decreased_by_cycle_3"
    for day, markers in ((42.0, [ctdna]), (84.0, [ctdna]), (84.0, ["log_best_change_in_size"]),
                         (84.0, ["log_best_change_in_size", ctdna])):  # fmt: skip
        table = landmark_table(cohort, landmark_day=day, baseline=baseline, on_treatment=markers)
        found = added_value(table, horizon_year=1.0)
        print(f"day {day:g}, {', '.join(markers)}: {found.patients} patients, {found.events} deaths within a year; "
              f"likelihood ratio {found.likelihood_ratio:.2f}, p = {found.p_value:.4f}")  # fmt: skip
        print(found.left_out, found.cox.select("term", "hazard_ratio", "lower", "upper", "p_value"), found.scores)


def poplar() -> None:
    """Print a model of survival learned in OAK, corrected for optimism, and judged in POPLAR."""
    covariates = ["arm", "log_size", "ecog", "met_sites", "histology", "age_year", "sex"]
    reference = {"arm": "docetaxel", "histology": "non-squamous", "sex": "male"}
    own, other = (_second_line(name).drop_nulls(covariates) for name in ("oak-clinical", "poplar-clinical"))
    fit, predict = cox_functions(covariates, horizon_year=1.0, reference=reference)
    found = validate(own, fit, predict, horizon_year=1.0, external=other)
    print(f"OAK {found.patients} patients, {found.events} deaths within a year; POPLAR {found.external_patients}, "
          f"{found.external_events}")  # fmt: skip
    print(found.table)
    risk = 1.0 - predict(fit(own), other)
    curve = decision_curve({"model of OAK": risk}, other["time_year"], other["event"], horizon_year=1.0,
                           thresholds=(0.3, 0.4, 0.5, 0.6, 0.7))  # fmt: skip
    print(curve.table)


def _second_line(name: str) -> pl.DataFrame:
    cohort = load(name)
    table = read_endpoint(cohort, "os").join(
        cohort.patients.drop("arm"), on="patient", how="left", maintain_order="left"
    )
    table = table.join(read_endpoint(cohort, "response").drop("arm"), on="patient", how="left", maintain_order="left")
    return table.with_columns(
        (pl.col("btmb") + 1.0).log(2.0).alias("log2_btmb"), pl.col("baseline_sld_mm").log().alias("log_size")
    )


if __name__ == "__main__":
    main(sys.argv[1:])
