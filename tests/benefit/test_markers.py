"""Markers become design columns as declared, and what cannot be read is told."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metachron.base import InputError, ModelError
from metachron.benefit import Marker, code_marker
from metachron.benefit.markers import as_markers

PATIENTS = pl.DataFrame(
    {
        "patient": list("pqrst"), "study": ["s"] * 5, "arm": ["a"] * 5,
        "count": [0.0, 3.0, None, 8.0, 15.0], "stage": ["I", "II", "I", None, "III"],
        "yes": [True, False, None, True, False], "same": [2.0] * 5,
    }
)  # fmt: skip


def test_a_transformed_number_in_steps_of_one_standard_deviation():
    coding = code_marker(Marker("count", transform="log1p", per="sd"), PATIENTS)
    known = np.log1p([0.0, 3.0, 8.0, 15.0])
    columns = coding.columns(PATIENTS)[:, 0]
    np.testing.assert_allclose(columns[[0, 1, 3, 4]], (known - known.mean()) / known.std(ddof=1))
    assert np.isnan(columns[2])
    assert coding.step == pytest.approx(known.std(ddof=1))
    np.testing.assert_allclose(coding.at(8.0), columns[3])


def test_a_stated_step_is_on_the_transformed_scale():
    coding = code_marker(Marker("count", transform="sqrt", per=2.0), PATIENTS)
    columns = coding.columns(PATIENTS)[:, 0]
    assert columns[4] - columns[0] == pytest.approx(np.sqrt(15.0) / 2.0)
    assert coding.terms == ("sqrt(count) per 2",)


def test_levels_against_a_reference():
    coding = code_marker(Marker("stage", reference="II"), PATIENTS)
    assert coding.levels == ("II", "I", "III")
    np.testing.assert_array_equal(coding.columns(PATIENTS)[[0, 1, 4]], [[1, 0], [0, 0], [0, 1]])
    assert np.isnan(coding.columns(PATIENTS)[3]).all()


def test_a_cut_off_and_a_boolean_are_binary():
    coding = code_marker(Marker("count", above=8.0), PATIENTS)
    np.testing.assert_array_equal(coding.columns(PATIENTS)[:, 0], [0.0, 0.0, np.nan, 1.0, 1.0])
    assert coding.terms == ("count >= 8=at or above",)
    assert code_marker(Marker("yes", kind="binary"), PATIENTS).levels == ("False", "True")


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (Marker("absent"), "no such column"),
        (Marker("same"), "single value"),
        (Marker("stage", kind="continuous"), "expected numbers"),
        (Marker("stage", kind="binary"), "two levels"),
        (Marker("stage", reference="IV"), "one of I, II, III"),
        (Marker("stage", above=2.0), "expected numbers"),
    ],
)
def test_unreadable_markers_are_told(marker, said):
    with pytest.raises(InputError, match="what to do") as caught:
        code_marker(marker, PATIENTS)
    assert said in str(caught.value)


def test_values_outside_a_transform_are_told():
    negative = PATIENTS.with_columns(count=pl.col("count") - 1.0)
    with pytest.raises(InputError, match="found the value -1"):
        code_marker(Marker("count", transform="sqrt"), negative)
    with pytest.raises(InputError, match="found the value -1"):
        code_marker(Marker("count", transform="log1p"), negative)


def test_specifications_that_make_no_sense():
    with pytest.raises(ModelError, match="no transform"):
        Marker("count", transform="cube")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="positive number"):
        Marker("count", per=0.0)
    with pytest.raises(ModelError, match="is binary"):
        Marker("count", kind="continuous", above=3.0)
    with pytest.raises(ModelError, match="not the text"):
        as_markers("count")
    with pytest.raises(ModelError, match="named twice"):
        as_markers(["count", Marker("count")])
