"""A cohort becomes arrays: what stands where, and cohorts that a model cannot use."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from joint.small_cohort import small_cohort, small_tables
from metachron.base import DAYS_PER_YEAR, ModelError
from metachron.cohort import Cohort
from metachron.joint import JointModel, compose


def bound_without(table: str, model: JointModel):
    tables = {name: frame for name, frame in small_tables().items() if name != table}
    if table == "followup":
        tables.pop("events")
    return model.bind(Cohort.create("small", tables))


def test_events_of_every_kind() -> None:
    """P1, P3, P4, P6 exact; P2 between two days; P5 censored; P7 without follow-up, as the padding."""
    events = compose(dynamics=None).bind(small_cohort()).design.events
    assert events is not None
    np.testing.assert_array_equal(events.exact, [1, 0, 1, 1, 0, 1, 0, 0])
    np.testing.assert_array_equal(events.interval, [0, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(events.known, [1, 1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(events.entry_year * DAYS_PER_YEAR, [0, 0, 30, 0, 0, 10, 0, 0], atol=1e-12)
    np.testing.assert_allclose(events.lower_year[:6] * DAYS_PER_YEAR, [400, 200, 120.5, 505, 300, 77])
    assert float(events.upper_year[1]) * DAYS_PER_YEAR == pytest.approx(260.0)


def test_groups_and_labels() -> None:
    binding = compose().bind(small_cohort())
    assert (binding.labels.arms, binding.labels.study_arms) == (("A", "B"), ("S1:A", "S1:B", "S2:A", "S2:B"))
    np.testing.assert_array_equal(binding.design.arm[:7], [0, 1, 0, 1, 0, 1, 0])
    np.testing.assert_array_equal(binding.design.study_arm[:7], [0, 1, 0, 3, 2, 3, 2])
    assert binding.labels.patients == ("P1", "P2", "P3", "P4", "P5", "P6", "P7")
    assert binding.labels.series == tuple((patient, None) for patient in ("P1", "P2", "P3", "P4", "P5", "P7"))
    assert binding.dims.interval


def test_sizes_measured_and_censored() -> None:
    """4.2 mm is used as measured; two sizes of P2 and one of P4 are below the limit of 5 mm."""
    design = compose(dynamics="gsf").bind(small_cohort()).design
    assert design.measured is not None
    assert design.censored is not None
    assert float(design.measured.weight.sum()) == 15
    assert 4.2 in np.asarray(design.measured.value)
    np.testing.assert_array_equal(design.censored.value[:3], 5.0)
    assert float(design.censored.weight.sum()) == 3


def test_values_are_on_the_scale_of_the_observation_law() -> None:
    for law, observation, expected in (
        ("gsf", "log-normal", np.log(62.0)),
        ("random-slope-boxcox", "additive", (6.2**0.3 - 1) / 0.3),
        ("random-slope-boxcox", "additive-mm", 62.0),
        ("stein-fojo", "additive", np.log(62.0)),
    ):
        design = compose(dynamics=law, observation=observation).bind(small_cohort()).design
        assert design.measured is not None
        np.testing.assert_allclose(design.measured.value[0], expected, rtol=1e-14)


def test_the_limit_is_that_of_the_model_then_of_the_fit_then_of_the_cohort() -> None:
    cohort, model = small_cohort(), compose(hazard=None)
    assert model.dynamics is not None
    stated = model.replace(dynamics=dataclasses.replace(model.dynamics, limit_mm=2.0))
    fitted = stated.bind(cohort)
    for one, labels, limit in ((model, None, 5.0), (stated, None, 2.0), (model, fitted.labels, 2.0)):
        binding = one.bind(cohort, labels)
        assert binding.labels.limit_mm == limit
        np.testing.assert_array_equal(binding.design.censored.value[:3], limit)  # type: ignore[union-attr]


def test_a_limit_can_be_stated_on_the_working_scale() -> None:
    part = compose(dynamics="random-slope-boxcox", hazard=None).dynamics
    assert part is not None
    model = JointModel(dataclasses.replace(part, limit_working=-3.33), None)
    np.testing.assert_array_equal(model.bind(small_cohort()).design.censored.value[:3], -3.33)  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="limit_working needs an observation law on the working scale"):
        compose(dynamics="gsf", hazard=None).replace(
            dynamics=dataclasses.replace(compose(dynamics="gsf").dynamics, limit_working=1.0)  # type: ignore[type-var]
        )


def test_knots_come_from_the_events_and_stay_those_of_the_fit() -> None:
    model = compose(dynamics=None, hazard="piecewise")
    fitted = model.bind(small_cohort())
    times = np.array([400.0, 200.0, 120.5, 505.0, 77.0]) / DAYS_PER_YEAR
    np.testing.assert_allclose(fitted.labels.knots_year, np.quantile(times, [0.2, 0.4, 0.6, 0.8]))
    np.testing.assert_allclose(fitted.design.knots_year, fitted.labels.knots_year)
    other = small_tables()
    doubled = {
        "events": other["events"].with_columns(pl.col("day_lower", "day_upper") * 2),
        "followup": other["followup"].with_columns(pl.col("last_day") * 2),
    }
    later = model.bind(Cohort.create("later", {**other, **doubled}), fitted.labels)
    np.testing.assert_array_equal(later.design.knots_year, fitted.design.knots_year)


REFUSED = {
    "no sizes": ("measurements", compose(), "'small' has no usable sizes in table measurements.*--dynamics none"),
    "no follow-up": ("followup", compose(), "no follow-up for 'death'"),
    "no events": ("events", compose(), "'small' records no event 'death': its hazard cannot be estimated"),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_a_cohort_without_a_part_is_refused(what: str) -> None:
    table, model, words = REFUSED[what]
    with pytest.raises(ModelError, match=words):
        bound_without(table, model)


def test_a_part_that_is_left_out_needs_no_data() -> None:
    assert bound_without("measurements", compose(dynamics=None)).design.measured is None
    assert bound_without("followup", compose(hazard=None)).design.events is None


def test_other_events_are_asked_for_by_name() -> None:
    with pytest.raises(ModelError, match="no follow-up for 'progression'; it has follow-up for: death"):
        compose(event="progression").bind(small_cohort())


def test_too_few_events_for_the_knots_are_refused() -> None:
    tables = small_tables()
    with pytest.raises(ModelError, match="piecewise baseline hazard needs 4 different knots"):
        compose(hazard="piecewise").bind(Cohort.create("few", {**tables, "events": tables["events"].head(3)}))


def test_entry_before_day_0_is_refused_with_the_patients() -> None:
    """Hazards begin at day 0: there is no hazard for the days before, and leaving them out silently hides a mistake."""
    tables = small_tables()
    early = tables["followup"].with_columns(
        entry_day=pl.when(pl.col("patient").is_in(["P4", "P5"])).then(-14.0).otherwise("entry_day")
    )
    cohort = Cohort.create("early", {**tables, "followup": early})
    with pytest.raises(ModelError, match=r"entry_day .* before day 0 for 2 patients \(P4, P5\)"):
        compose().bind(cohort)
    assert compose(hazard=None).bind(cohort).design.events is None


def test_sizes_by_lesion() -> None:
    binding = compose(size="lesion").bind(small_cohort(by_lesion=True))
    assert binding.labels.series[:3] == (("P1", "a"), ("P1", "b"), ("P2", "a"))
    np.testing.assert_array_equal(binding.design.series_patient[:4], [0, 0, 1, 1])
    with pytest.raises(ModelError, match="only sums over lesions are known"):
        compose(size="lesion").bind(small_cohort())
