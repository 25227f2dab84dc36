"""Malformed folders: each breaks one rule, and the message says where, whom it concerns and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from metachron.base import InputError
from metachron.cohort.folder import read_folder


@dataclass(frozen=True)
class Case:
    """One edit of a valid folder and the problem that it must give."""

    id: str
    file: str
    old: str | bytes
    new: str | bytes
    rule: str
    table: str | None
    column: str | None
    patients: tuple[str, ...] = ()
    rows: tuple[int, ...] | None = None
    more: dict[str, str] = field(default_factory=dict)
    """Further files, or texts to be added to them."""


ALL = b"\0all\0"
P, L, M, V = "patients.csv", "lesions.csv", "measurements.csv", "visits.csv"
E, F, K, T = "events.csv", "followup.csv", "markers.csv", "therapies.csv"

CASES = (
    # whole files
    Case("empty file", M, ALL, b"", "empty-file", "measurements", None),
    Case("blank file", M, ALL, b"\n\n", "empty-file", "measurements", None),
    Case("binary junk", M, ALL, b"PK\x03\x04\x00\x00junk", "unreadable-file", "measurements", None),
    Case("other encoding", P, "north", "Köln".encode("latin-1"), "unreadable-file", "patients", None),
    Case("broken quotes", P, "north", '"north', "unreadable-file", "patients", None),
    Case("row too long", M, "P2,a,0,50,measured", "P2,a,0,50,measured,x", "ragged-row",
         "measurements", None, ("P2",), (5,)),
    Case("row too short", M, "P2,a,0,50,measured", "P2,a,0", "ragged-row", "measurements", None, ("P2",), (5,)),
    Case("column twice", P, "age_year,sex", "age_year,age_year", "header", "patients", "age_year"),
    Case("column without name", P, "patient,study", ",study", "header", "patients", None),
    Case("semicolons", P, ",", ";", "missing-column", "patients", "patient"),
    Case("misspelt file", P, "", "", "unknown-table", "measurement", None, more={"measurement.csv": "patient\nP1\n"}),
    # columns
    Case("missing column", P, "study,arm", "study,treatment", "missing-column", "patients", "arm"),
    Case("missing day", M, "lesion,day", "lesion,visit_day", "missing-column", "measurements", "day"),
    Case("header longer than rows", V, "patient,day", "patient,day,weekday", "ragged-row", "visits", None,
         ("P1", "P2", "P3", "P4"), tuple(range(1, 9))),
    Case("misspelt column", M, "size_mm", "size_cm", "unknown-column", "measurements", "size_cm"),
    Case("all-missing covariate", P, ALL, "patient,study,arm,bmi\nP1,T,x,\nP2,T,x,\n", "all-missing-covariate",
         "patients", "bmi"),
    # cells
    Case("non-numeric size", M, "34", "thirty-four", "not-a-number", "measurements", "size_mm", ("P1",), (1,)),
    Case("decimal comma", M, "21.5", '"21,5"', "not-a-number", "measurements", "size_mm", ("P1",), (2,)),
    Case("date as day", M, "P1,a,42", "P1,a,2020-03-01", "not-a-number", "measurements", "day", ("P1",), (3,)),
    Case("not available as text", P, "70.5", "NA", "not-a-number", "patients", "age_year", ("P2",), (2,)),
    Case("mostly numbers", P, "north\nP2,T,docetaxel,70.5,male,south", "1\nP2,T,docetaxel,70.5,male,2", "not-a-number",
         "patients", "site", ("P4",), (4,)),
    Case("infinite size", M, "60", "inf", "not-finite", "measurements", "size_mm", ("P2",), (6,)),
    Case("NaN size", M, "60", "NaN", "not-finite", "measurements", "size_mm", ("P2",), (6,)),
    Case("null day", M, "P2,a,40", "P2,a,", "missing-value", "measurements", "day", ("P2",), (6,)),
    Case("null arm", P, "P3,T,atezolizumab", "P3,T,", "missing-value", "patients", "arm", ("P3",), (3,)),
    Case("empty identifier", P, "P4,T", ",T", "missing-value", "patients", "patient", (), (4,)),
    Case("blank at the end", P, "P4,T", "P4 ,T", "untidy-text", "patients", "patient", ("P4 ",), (4,)),
    Case("unknown organ", L, "brain", "head", "not-allowed", "lesions", "organ", ("P3",), (4,)),
    Case("unknown role", L, "non_target", "nontarget", "not-allowed", "lesions", "role", ("P3",), (5,)),
    Case("unknown state", M, "below_limit", "too small", "not-allowed", "measurements", "state", ("P1",), (4,)),
    Case("unknown kind", E, "progression", "pd", "not-allowed", "events", "kind", ("P2",), (2,)),
    Case("unknown drug class", T, "chemotherapy", "chemo", "not-allowed", "therapies", "drug_class", ("P1",), (1,)),
    Case("unknown sex", P, "61,female", "61,F", "not-allowed", "patients", "sex", ("P1",), (1,)),
    Case("age of 161", P, "61", "161", "out-of-range", "patients", "age_year", ("P1",), (1,)),
    Case("age of -1", P, "61", "-1", "out-of-range", "patients", "age_year", ("P1",), (1,)),
    Case("albumin in g/L", P, "age_year", "albumin_g_per_dl", "out-of-range", "patients", "albumin_g_per_dl",
         ("P1", "P2", "P4"), (1, 2, 4)),
    Case("negative dose", T, "75", "-75", "negative-dose", "therapies", "dose", ("P1",), (1,)),
    Case("implausible day", M, "P2,a,40", "P2,a,43831", "implausible-day", "measurements", "day", ("P2",), (6,)),
    # sizes
    Case("negative size", M, "50", "-50", "negative-size", "measurements", "size_mm", ("P2",), (5,)),
    Case("zero but measured", M, "50", "0", "zero-measured", "measurements", "size_mm", ("P2",), (5,)),
    Case("measured without size", M, ",50,", ",,", "size-missing", "measurements", "size_mm", ("P2",), (5,)),
    Case("absent with size", M, "0,absent", "7,absent", "size-contradicts-state", "measurements",
         "size_mm", ("P3",), (8,)),
    Case("too small but large", M, ",,below_limit", ",12,below_limit", "size-contradicts-state", "measurements",
         "size_mm", ("P1",), (4,)),
    Case("not evaluable with size", M, "60,measured", "60,not_evaluable", "size-contradicts-state", "measurements",
         "size_mm", ("P2",), (6,)),
    Case("lesion of 700 mm", M, "60", "700", "implausible-size", "measurements", "size_mm", ("P2",), (6,)),
    Case("sum of 2.1 m", M, "80", "2100", "implausible-size", "measurements", "size_mm", ("P4",), (10,)),
    Case("sum beside lesions", M, "P2,a,40", "P2,,40", "sum-and-lesions", "measurements", "lesion", ("P2",), (6,)),
    Case("lesion not listed", M, "P2,a,40", "P2,z,40", "unknown-lesion", "measurements", "lesion", ("P2",), (6,)),
    # keys
    Case("visit twice", M, "P2,a,40", "P2,a,0", "duplicate-visit", "measurements", "day", ("P2",), (5, 6)),
    Case("sum twice", M, "P4,,41", "P4,,-1", "duplicate-visit", "measurements", "day", ("P4",), (10, 11)),
    Case("visit row twice", V, "P2,40", "P2,0", "duplicate-visit", "visits", "day", ("P2",), (3, 4)),
    Case("patient twice", P, "P4,T", "P1,T", "duplicate-patient", "patients", "patient", ("P1",), (1, 4)),
    Case("lesion twice", L, "P1,b", "P1,a", "duplicate-row", "lesions", "lesion", ("P1",), (1, 2)),
    Case("unknown patient", M, "P2,a,40", "P9,a,40", "unknown-patient", "measurements", "patient", ("P9",), (6,)),
    Case("unknown patient in followup", F, "P4,death", "p4,death", "unknown-patient", "followup",
         "patient", ("p4",), (4,)),
    # time
    Case("event at entry", E, "312,312", "0,0", "event-before-entry", "events", "day_lower", ("P1",), (1,)),
    Case("event before entry", F, "P1,death,0", "P1,death,320", "event-before-entry", "events",
         "day_lower", ("P1",), (1,)),
    Case("interval before entry", E, "progression,0", "progression,-9", "event-before-entry", "events", "day_lower",
         ("P2",), (2,)),
    Case("event after follow-up", F, "0,312", "0,300", "event-after-followup", "events", "day_upper", ("P1",), (1,)),
    Case("no follow-up for event", F, "P2,progression", "P2,discontinuation", "event-without-followup", "events",
         "kind",
         ("P2",), (2,)),
    Case("bounds exchanged", E, "progression,0,40", "progression,40,0", "bounds-reversed", "events", "day_upper",
         ("P2",), (2,)),
    Case("follow-up ends before it starts", F, "0,77.5", "90,77.5", "followup-reversed", "followup",
         "last_day", ("P4",),
         (4,)),
    Case("two deaths", E, "P2,progression,0,40", "P1,death,200,200", "repeated-event", "events",
         "kind", ("P1",), (1, 2)),
    Case("measured after death", E, "312,312", "30,30", "after-death", "measurements", "day", ("P1",), (3, 4)),
    Case("visit after death", E, "312,312", "30,30", "after-death", "visits", "day", ("P1",), (2,)),
    Case("sample after death", E, "312,312", "30,30", "after-death", "markers", "day", ("P1",), (2,)),
    Case("at risk after death", F, "P2,progression,0,40", "P1,discontinuation,0,400", "after-death", "followup",
         "last_day", ("P1",), (5,)),
    Case("stopped before started", T, "0,63", "70,63", "stop-before-start", "therapies", "stop_day", ("P1",), (1,)),
    # labels
    Case("two spellings of an arm", P, "P2,T,docetaxel", "P2,T,Docetaxel", "arm-spelling", "patients", "arm", ("P1",)),
    Case("undeclared arm", P, "P2,T,docetaxel", "P2,T,docetaxal", "unknown-arm", "patients", "arm", ("P2",), (2,),
         more={"mapping.toml": 'arms = ["docetaxel", "atezolizumab"]'}),
    Case("arm not mapped", P, "P2,T,docetaxel", "P2,T,placebo", "unmapped-value", "patients", "arm", ("P2",), (2,),
         more={"mapping.toml": '[patients.values.arm]\ndocetaxel = []\natezolizumab = ["A"]'}),
    Case("two units of a marker", K, "0.4,MTM/mL", "0.4,copies/mL", "mixed-units", "markers", "unit", ("P1",), (1, 2)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_malformed_folder_is_explained(case: Case, texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    content = {name: text.encode() for name, text in texts.items()}
    old, new = (x.encode() if isinstance(x, str) else x for x in (case.old, case.new))
    if old == ALL:
        content[case.file] = new
    else:
        assert old in content[case.file]
        content[case.file] = content[case.file].replace(old, new, -1 if case.id == "semicolons" else 1)
    content |= {name: text.encode() for name, text in case.more.items()}
    with pytest.raises(InputError) as caught:
        read_folder(write_texts(content))
    fitting = [p for p in caught.value.problems if (p.rule, p.table, p.column) == (case.rule, case.table, case.column)]
    assert fitting, str(caught.value)
    problem = fitting[0]
    assert problem.file == (f"{case.table}.csv" if case.table else None)
    assert problem.patients == case.patients
    assert case.rows is None or problem.rows == case.rows
    assert problem.remedy
    message = str(caught.value)
    assert all(word in message for word in (problem.remedy, problem.rule, *case.patients, problem.file or ""))


def test_all_problems_are_reported_at_once(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    texts["measurements.csv"] = texts["measurements.csv"].replace("34", "x").replace("60", "-60")
    texts["lesions.csv"] = texts["lesions.csv"].replace("brain", "head")
    texts["visits.csv"] = ""
    with pytest.raises(InputError) as caught:
        read_folder(write_texts(texts))
    rules = {problem.rule for problem in caught.value.problems}
    assert rules == {"not-a-number", "negative-size", "not-allowed", "empty-file"}


def test_an_unreadable_table_gives_no_problems_elsewhere(
    texts: dict[str, str], write_texts: Callable[..., Path]
) -> None:
    """Patients that cannot be read must not make every other row an unknown patient."""
    with pytest.raises(InputError) as caught:
        read_folder(write_texts({**texts, "patients.csv": b"\xff\xfe\x00"}))
    assert [problem.rule for problem in caught.value.problems] == ["unreadable-file"]


def test_sizes_in_cm_are_suspected(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    ids = [f"Q{i}" for i in range(12)]
    texts["patients.csv"] += "".join(f"{i},T,docetaxel,60,male,north\n" for i in ids)
    texts["measurements.csv"] += "".join(f"{i},,0,{4 + n / 10},measured\n" for n, i in enumerate(ids))
    folder = write_texts(texts)
    with pytest.raises(InputError, match="sizes-in-cm") as caught:
        read_folder(folder)
    assert 'size_mm = "cm"' in str(caught.value)
    (folder / "mapping.toml").write_text(
        '[[accept]]\npatient = "*"\nrule = "sizes-in-cm"\nreason = "brain metastases"\n'
    )
    assert [(a.patient, a.reason) for a in read_folder(folder).accepted] == [("*", "brain metastases")]


def test_times_in_months_are_suspected(write_texts: Callable[..., Path]) -> None:
    ids = [f"Q{i}" for i in range(25)]
    patients = "patient,study,arm\n" + "".join(f"{i},T,x\n" for i in ids)
    followup = "patient,kind,entry_day,last_day\n" + "".join(f"{i},death,0,{n + 1}\n" for n, i in enumerate(ids))
    with pytest.raises(InputError, match="times-in-months"):
        read_folder(write_texts({"patients.csv": patients, "followup.csv": followup}))


def test_a_folder_in_the_place_of_a_table(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    del texts["visits.csv"]
    folder = write_texts(texts)
    (folder / "visits.csv").mkdir()
    with pytest.raises(InputError, match="unreadable-file") as caught:
        read_folder(folder)
    assert caught.value.problems[0].file == "visits.csv"


def test_a_parquet_file_that_is_none(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    texts.pop("visits.csv")
    with pytest.raises(InputError, match="no Parquet file"):
        read_folder(write_texts({**texts, "visits.parquet": "hello"}))


def test_two_files_for_one_table(texts: dict[str, str], write_texts: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="two-files"):
        read_folder(write_texts({**texts, "visits.parquet": "hello"}))


def test_folders_that_are_no_cohort(tmp_path: Path, write_texts: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="no-folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no-tables") as caught:
        read_folder(write_texts({"trial.xlsx": "x"}))
    assert "trial.xlsx" in str(caught.value)
    assert {p.rule for p in caught.value.problems} == {"no-tables"}
