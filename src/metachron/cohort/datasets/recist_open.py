"""RECIST measurements lesion by lesion, with sites in free text: the layout of doi:10.5281/zenodo.17788162.

Two files. ``recist_measurements.csv``: patient_id, study_date (YYYYMMDD), region, lesion_label_alias,
recist_measurement_mm, study_order. ``patients.csv``: patient_id, age, sex, diagnosis, histology.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from metachron.base import InputError, Problem, list_briefly
from metachron.cohort.cohort import Cohort
from metachron.cohort.datasets.dataset import DataSet, Published
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.sizes import state_of_size
from metachron.cohort.frames import ROW
from metachron.cohort.organ_names import map_organs, unmapped_note
from metachron.cohort.table_files import read_table

DOI = "10.5281/zenodo.17788162"
ARM = "not stated"
SIZE = "recist_measurement_mm"
_HOME = f"https://doi.org/{DOI}"
SIZES_FILE = PublicFile("recist_measurements.csv", None, (), _HOME, doi=DOI)
PATIENTS_FILE = PublicFile("patients.csv", None, (), _HOME, doi=DOI)
_COLUMNS = {
    SIZES_FILE.name: (
        "patient_id", "study_date", "region", "lesion_label_alias", SIZE, "study_order",
    ),
    PATIENTS_FILE.name: ("patient_id", "age", "sex", "diagnosis", "histology"),
}  # fmt: skip
_SEX = {"f": "female", "female": "female", "w": "female", "m": "male", "male": "male"}
WARNINGS = (
    "Day 0 is the first study of a patient. When a treatment began, and which, the files do not say: a first study is "
    "taken as the baseline, and every patient is in one arm.",
    "A lesion that is measured for the first time after the first study has the role 'new'. No event of a new lesion "
    "is made of it, since the files do not say whether it could be seen before.",
    "The files hold no follow-up: neither death nor progression can be modelled from them.",
)


def read(paths: Mapping[str, Path]) -> Published:
    """Return the tables; see `WARNINGS` for what is taken for granted.

    Raises
    ------
    InputError
        When a file cannot be read or lacks a column, a date is not YYYYMMDD, or rows of a lesion contradict each other.
    """
    sizes, people = (_read(paths[name], name) for name in (SIZES_FILE.name, PATIENTS_FILE.name))
    sizes = _with_days(sizes)
    lesions, unmapped = _lesions(sizes)
    rows = sizes.select("patient", "lesion", "day", pl.col(SIZE).cast(pl.Float64).alias("size_mm"))
    state = pl.when(pl.col("size_mm").is_null()).then(pl.lit("not_evaluable")).otherwise(state_of_size())
    tables = {
        "patients": _patients(people),
        "lesions": lesions,
        "measurements": rows.with_columns(state.alias("state")),
        "visits": rows.select("patient", "day").unique(maintain_order=True),
    }
    return Published(tables, notes=(unmapped_note(unmapped),) if unmapped else ())


def read_recist_folder(folder: Path) -> Cohort:
    """Return the cohort in a folder that holds the two files, of the data set or of anybody else in this layout."""
    published = read({name: folder / name for name in _COLUMNS})
    files = {"patients": PATIENTS_FILE.name, "lesions": SIZES_FILE.name, "measurements": SIZES_FILE.name}
    return Cohort.create(
        folder.resolve().name, published.tables, notes=(*WARNINGS, *published.notes), files=files,
        provenance={"layout": f"that of {_HOME}"},
    )  # fmt: skip


def _read(path: Path, name: str) -> pl.DataFrame:
    frame = read_table(path, path.stem)
    if isinstance(frame, Problem):
        raise InputError([frame], what=str(path))
    if absent := [column for column in _COLUMNS[name] if column not in frame.columns]:
        raise _refuse(
            name, absent[0], f"no column {list_briefly(absent)}; there are {list_briefly(frame.columns, 20)}",
            f"the columns {list_briefly(_COLUMNS[name], 10)}", frame.clear(),
        )  # fmt: skip
    text = pl.col(pl.String).str.strip_chars().replace("", None)
    return frame.with_columns(text).with_columns(pl.col("patient_id").alias("patient"))


def _with_days(sizes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with ``lesion`` and ``day``, from the first study of the patient on."""
    sizes = sizes.with_columns(
        date=pl.col("study_date").str.to_date("%Y%m%d", strict=False), lesion=pl.col("lesion_label_alias")
    )
    if (bad := sizes.filter(pl.col("date").is_null())).height:
        raise _refuse(
            SIZES_FILE.name, "study_date", _cells(bad, "study_date"), "a date as YYYYMMDD, such as 20190412", bad
        )
    size = pl.col(SIZE)
    if (bad := sizes.filter(size.is_not_null() & size.cast(pl.Float64, strict=False).is_null())).height:
        raise _refuse(SIZES_FILE.name, SIZE, _cells(bad, SIZE), "a number of mm, or an empty cell", bad)
    day = (pl.col("date") - pl.col("date").min().over("patient")).dt.total_days().cast(pl.Float64)
    return sizes.with_columns(day=day)


def _lesions(sizes: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the table of lesions, and the texts of sites that name no organ with the number of their lesions."""
    own = sizes.group_by("patient", "lesion", maintain_order=True).agg(
        pl.col("region").unique(maintain_order=True), pl.col("day").min(), pl.col(ROW)
    )
    if (two := own.filter(pl.col("region").list.len() > 1)).height:
        raise _refuse(
            SIZES_FILE.name, "region", f"lesions with more than one region ({list_briefly(two['region'][0])})",
            "one region for each lesion_label_alias of a patient", two.explode(ROW),
        )  # fmt: skip
    organs, unmapped = map_organs(own["region"].list.first().to_list())
    role = pl.when(pl.col("day") > 0).then(pl.lit("new")).otherwise(pl.lit("target"))
    return own.select("patient", "lesion", pl.Series("organ", organs, pl.String), role.alias("role")), unmapped


def _patients(people: pl.DataFrame) -> pl.DataFrame:
    sex = pl.col("sex").str.to_lowercase()
    return people.select(
        "patient",
        pl.lit("recist-open").alias("study"),
        pl.lit(ARM).alias("arm"),
        pl.col("age").alias("age_year"),
        sex.replace(_SEX).alias("sex"),
        "histology",
        "diagnosis",
    )


def _cells(bad: pl.DataFrame, column: str) -> str:
    return list_briefly(repr(cell) for cell in bad[column].unique(maintain_order=True))


def _refuse(file: str, column: str, found: str, expected: str, rows: pl.DataFrame) -> InputError:
    problem = Problem(
        "recist-layout",
        found=found,
        expected=expected,
        remedy=f"correct the file; its layout is that of {_HOME}",
        file=file,
        table=Path(file).stem,
        column=column,
        rows=tuple(rows[ROW].to_list()),
        patients=tuple(rows["patient"].unique(maintain_order=True).to_list()) if "patient" in rows.columns else (),
    )
    return InputError([problem], what=file)


RECIST_OPEN = DataSet(
    name="recist-open",
    title="RECIST measurements lesion by lesion, with regions in free text",
    citation=f"the authors named at {_HOME}",
    licence=f"as stated at {_HOME}",
    doi=DOI,
    files=(SIZES_FILE, PATIENTS_FILE),
    read=read,
    patients=None,
    measurements=None,
    warnings=(
        *WARNINGS,
        "metachron was written for the layout that the publisher describes, without the files: they are checked "
        "against the checksum that the publisher gives with the download, and their counts against nothing.",
    ),
)
