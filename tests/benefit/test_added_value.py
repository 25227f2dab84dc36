"""What a marker on treatment adds: nothing if it only counts time lived, something if it tells of the tumour."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import metachron
from metachron.base import ModelError
from metachron.benefit.added_value import AddedValue, added_value
from metachron.benefit.landmark import landmark_table
from metachron.cohort import Cohort
from metachron.survival import fit_cox

LANDMARK = 90.0


def _trial(seed: int, patients: int = 200) -> Cohort:
    """Monthly samples while alive: ``visits`` counts them, with noise; ``burden`` falls where the hazard is low."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=patients)
    life, end = rng.exponential(365.25 * np.exp(-0.8 * effect)), rng.uniform(400.0, 1200.0, patients)
    last = np.minimum(life, end)
    names = [f"p{i}" for i in range(patients)]
    dead = life <= end
    rows = []
    for name, until, own in zip(names, last, effect, strict=True):
        days = 30.0 * np.arange(1, 41) + rng.uniform(-14.0, 14.0, 40)
        for count, day in enumerate(days[days < until], start=1):
            rows += [(name, "visits", day, count + rng.normal(), "1"), (name, "burden", day, own + rng.normal(), "1")]
    exact = pl.Series(life[dead])
    return Cohort.create(
        "made",
        {
            "patients": pl.DataFrame(
                {"patient": names, "study": "s", "arm": "a", "age_year": rng.uniform(40, 80, patients)}
            ),
            "markers": pl.DataFrame(rows, schema=["patient", "marker", "day", "value", "unit"], orient="row"),
            "followup": pl.DataFrame({"patient": names, "kind": "death", "entry_day": 0.0, "last_day": last}),
            "events": pl.DataFrame(
                {"patient": np.array(names)[dead], "kind": "death", "day_lower": exact, "day_upper": exact}
            ),
        },
    )


def _gain(cohort: Cohort, marker: str) -> AddedValue:
    table = landmark_table(cohort, landmark_day=LANDMARK, baseline=["age_year"], on_treatment=[f"last:{marker}"])
    return added_value(table, horizon_year=1.0, folds=4, repeats=1, samples=100)


def test_a_marker_of_time_lived_gains_nothing_at_a_landmark() -> None:
    """The last count of visits in the whole follow-up, taken as if it were known from the start, foretells death with
    near certainty, for who dies early has few. Known by the landmark it says nothing: 12 trials, mean gain in AUC 0
    within 4 Monte Carlo standard errors (0.03), p-values not small together."""
    gains, values = [], []
    for seed in range(12):
        cohort = _trial(seed)
        found = _gain(cohort, "visits")
        gains.append(found.scores["difference"][0])
        values.append(found.p_value)
    assert np.mean(gains) == pytest.approx(0.0, abs=0.03)
    assert 0.25 < np.mean(values) < 0.75  # uniform: 0.5 with a standard error of 0.08

    whole = (
        cohort.markers.filter(pl.col("marker") == "visits").sort("day").group_by("patient").agg(pl.col("value").last())
    )
    naive = cohort.followup.join(whole, on="patient").with_columns(
        pl.col("patient").is_in(cohort.events["patient"].to_list()).alias("event")
    )
    cox = fit_cox(naive, time="last_day", event="event", covariates=["value"]).table()
    assert cox["hazard_ratio"].item() < 0.9
    assert cox["p_value"].item() < 1e-12


def test_a_marker_of_the_tumour_gains() -> None:
    """One trial of 400: all scores better, and the interval of the gain in AUC above 0."""
    found = _gain(_trial(100, 400), "burden")
    scores = {row["score"]: row for row in found.scores.filter(pl.col("threshold").is_null()).iter_rows(named=True)}
    assert scores["AUC"]["lower"] > 0.0
    assert scores["Brier"]["upper"] < 0.0
    assert found.p_value < 1e-6
    assert found.patients + found.left_out["patients"].sum() == 400
    middle = found.scores.filter(pl.col("threshold") == 0.5)["difference"].item()
    assert middle > 0.0


def test_too_few_events_are_refused() -> None:
    table = landmark_table(_trial(1, 30), landmark_day=300.0, baseline=["age_year"], on_treatment=["last:burden"])
    with pytest.raises(ModelError, match="needs 5 of each at least"):
        added_value(table, horizon_year=0.05)
    bare = landmark_table(_trial(1, 30), landmark_day=90.0, baseline=["age_year"], on_treatment=[])
    with pytest.raises(ModelError, match="one marker on treatment"):
        added_value(bare, horizon_year=0.5)


def test_ctdna_of_inspire(data_dir) -> None:
    """The published table read directly and fitted with statsmodels gives the same hazard ratio, for the same 73."""
    from statsmodels.duration.hazard_regression import PHReg

    people = pl.read_csv(data_dir / "inspire_patients.csv", null_values=["NA", ""])
    fell = pl.col("change_ctdna_group").replace_strict({"Decrease from baseline": 1.0, "Increase from baseline": 0.0})
    days = pl.col("os_time") * 365.25 / 12.0 - 42.0
    own = people.with_columns(fell.alias("fell"), days.alias("left"), pl.col("l_size").log().alias("size"))
    own = own.drop_nulls("fell").filter(pl.col("left") > 0)
    cox = PHReg(own["left"].to_numpy(), own.select("pdl1", "tmb", "size", "fell").to_numpy(),
                status=own["os_status"].to_numpy(), ties="efron").fit()  # fmt: skip
    found = added_value(
        landmark_table(
            metachron.load("inspire"),
            landmark_day=42.0,
            baseline=["pdl1_percent", "log_tmb", "log_baseline_size"],
            on_treatment=["last:ctdna_decreased_by_cycle_3"],
        ),
        horizon_year=1.0,
        repeats=4,
        samples=200,
    )
    assert (found.patients, own.height, found.events) == (73, 73, 28)
    assert found.cox["coefficient"][3] == pytest.approx(cox.params[3], rel=1e-4)  # days are rounded in the cohort
    assert found.p_value == pytest.approx(0.0017, abs=2e-4)
    assert dict(found.left_out.iter_rows())["event by the landmark"] == 3
