"""Diameters of one target lesion per patient in five atezolizumab trials.

Source: Ghaffari Laleh and others 2022, PLoS Comput Biol 18(2):e1009822, doi:10.1371/journal.pcbi.1009822, S1 Data:
one sheet per study with columns Patient_Anonmyized (so spelt), Treatment_Day, TargetLesionLongDiam_mm, Study_Arm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from metachron.base import Registry
from metachron.cohort.datasets.dataset import DataSet, Published, Unused
from metachron.cohort.datasets.public_file import PublicFile
from metachron.cohort.datasets.reading import identifier, number, read_sheet, text
from metachron.cohort.datasets.sizes import LESION, one_target_lesion, state_of_size
from metachron.cohort.exceptions import AcceptedException

TOO_SMALL = "TOO SMALL TO MEASURE"
NOT_EVALUABLE = "NOT EVALUABLE"
ONE_LESION_WARNING = (
    "The diameters are those of one target lesion per patient, not the sum over target lesions "
    "(OAK: median baseline 37 mm here, 66 mm for the sum in the clinical table)."
)

FILE = PublicFile(
    name="journal.pcbi.1009822.s006.xlsx",
    sha256="ffca72e8b9a54129d2245c315ba89d8169e63dbd2c971119a63f454e5fe63e3d",
    urls=(
        "https://journals.plos.org/ploscompbiol/article/file?type=supplementary&id=10.1371/journal.pcbi.1009822.s006",
        "https://doi.org/10.1371/journal.pcbi.1009822.s006",
    ),
    origin="S1 Data of https://doi.org/10.1371/journal.pcbi.1009822",
)

_FIRST_ROW = "two rows of the same patient and day: the first in the sheet is used, whatever its diameter"
_ARMS_KEPT = "Arms keep their published labels: the file does not say which treatment or cohort they are."


@dataclass(frozen=True)
class _Trial:
    name: str
    sheet: str
    study: str
    patients: int
    measurements: int
    about: str
    arms: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = (_ARMS_KEPT,)
    twice: tuple[str, ...] = ()
    """Patients with two rows on one day that agree."""
    conflicting: tuple[tuple[str, str], ...] = ()
    """Patients with two rows on one day that differ, and how."""


_TRIALS = (
    _Trial("atezolizumab-fir", "Study1", "FIR", 76, 456, "non-small-cell lung cancer, PD-L1 positive"),
    _Trial(
        "atezolizumab-poplar", "Study2", "POPLAR", 165, 963, "non-small-cell lung cancer, against docetaxel",
        notes=(
            _ARMS_KEPT,
            "Arm 1 looks like docetaxel, as in OAK of the same file (5.1 against 6.5 rows per patient, 11 against 24 % "
            "followed beyond a year), but nothing published says so.",
        ),
        twice=("2258931746204596992",),
    ),
    _Trial(
        "atezolizumab-birch", "Study3", "BIRCH", 387, 2173, "non-small-cell lung cancer, PD-L1 positive",
        twice=("8650080779541960704", "-1533835032604733952", "-3421398959653493760"),
    ),
    _Trial(
        "atezolizumab-oak", "Study4", "OAK", 701, 4122, "non-small-cell lung cancer, against docetaxel",
        arms={"Study_4_Arm_1": "docetaxel", "Study_4_Arm_2": "atezolizumab"},
        notes=(
            "Arm 1 is named docetaxel and arm 2 atezolizumab as in the published course that made oak203: each of its "
            "203 labelled series is a series of that arm here (96 of 96 and 107 of 107). The published label stands "
            "in published_arm.",
        ),
    ),
    _Trial(
        "atezolizumab-imvigor210", "Study5", "IMvigor210", 143, 831, "urothelial cancer",
        twice=("-3705011103442745856", "-9043846282663914496"),
        conflicting=(("2457866781645406208", "12 and 41 mm on day 57, between 10 and 14 mm before and after"),),
    ),
)  # fmt: skip


def _reader(trial: _Trial) -> Callable[[Mapping[str, Path]], Published]:
    def read(paths: Mapping[str, Path]) -> Published:
        return tables_of(read_sheet(paths[FILE.name], trial.sheet), trial.study, trial.arms)

    return read


def tables_of(sheet: pl.DataFrame, study: str, arms: Mapping[str, str]) -> Published:
    """Return patients, lesions, measurements and visits of one sheet; each row is either there or unused.

    A text cell TOO SMALL TO MEASURE becomes state below_limit and NOT EVALUABLE not_evaluable, both without a size;
    0 becomes absent; every other cell is a diameter in mm, used as measured even below the limit. Any other text is
    an error. Rows without a diameter or a day, and second rows of a patient and day, are unused.
    """
    diameter = text("TargetLesionLongDiam_mm")
    words = diameter.is_in([TOO_SMALL, NOT_EVALUABLE])
    rows = sheet.select(
        identifier("Patient_Anonmyized").alias("patient"),
        text("Study_Arm").alias("published_arm"),
        number("Treatment_Day").alias("day"),
        diameter.alias("cell"),
        pl.when(~words).then(diameter).cast(pl.Float64).alias("size_mm"),
    )
    no_cell, no_day = pl.col("cell").is_null(), pl.col("day").is_null()
    again = ~pl.struct("patient", "day").is_first_distinct()
    unused = (
        _left_out(rows, no_cell, "the cell of the diameter is empty"),
        _left_out(rows, no_day & ~no_cell, "the cell of the day is empty"),
        _left_out(rows, again & ~no_day & ~no_cell, _FIRST_ROW),
    )
    used = rows.filter(~no_cell, ~no_day, ~again)
    return Published(_tables(rows, used, study, arms), unused)


def _left_out(rows: pl.DataFrame, where: pl.Expr, reason: str) -> Unused:
    return Unused("measurements", reason, tuple(rows.filter(where)["patient"]))


def _tables(rows: pl.DataFrame, used: pl.DataFrame, study: str, arms: Mapping[str, str]) -> dict[str, pl.DataFrame]:
    cell, lesion = pl.col("cell"), pl.lit(LESION).alias("lesion")
    state = (
        pl.when(cell == TOO_SMALL).then(pl.lit("below_limit"))
        .when(cell == NOT_EVALUABLE).then(pl.lit("not_evaluable"))
        .otherwise(state_of_size())
    )  # fmt: skip
    patients = rows.unique("patient", keep="first", maintain_order=True).select(
        "patient",
        pl.lit(study).alias("study"),
        pl.col("published_arm").replace(dict(arms)).alias("arm"),
        "published_arm",
    )
    return {
        "patients": patients,
        "lesions": one_target_lesion(patients),
        "measurements": used.select("patient", lesion, "day", "size_mm", state.alias("state")),
        "visits": rows.filter(pl.col("day").is_not_null()).select("patient", "day").unique(maintain_order=True),
    }


def _settled(trial: _Trial) -> tuple[AcceptedException, ...]:
    found = [(patient, "they are equal") for patient in trial.twice] + list(trial.conflicting)
    return tuple(AcceptedException(patient, "duplicate-visit", f"{_FIRST_ROW} ({how})") for patient, how in found)


def _data_set(trial: _Trial) -> DataSet:
    return DataSet(
        name=trial.name,
        title=f"{trial.study}: diameter of one target lesion over time ({trial.about})",
        citation="Ghaffari Laleh N and others. Classical mathematical models for prediction of response to "
        "chemotherapy and immunotherapy. PLoS Comput Biol 2022;18(2):e1009822, S1 Data",
        licence="CC BY 4.0",
        doi="10.1371/journal.pcbi.1009822",
        files=(FILE,),
        read=_reader(trial),
        patients=trial.patients,
        measurements=trial.measurements,
        warnings=(ONE_LESION_WARNING, *_WARNINGS, *trial.notes),
        settled=_settled(trial),
    )


_WARNINGS = (
    "No organ of the lesion is given, and no survival: patients here cannot be matched to the clinical tables of the "
    "same trials, which were anonymised apart.",
    "Text cells are read as states: too small to measure is left-censored, not evaluable is missing; 0 is an absent "
    "lesion. Diameters above 0 and below 5 mm (52 over the five trials) are used as measured.",
    "Patient identifiers are the published numbers, which the workbook stores to 53 bits; no two patients share one.",
)

ATEZOLIZUMAB = Registry("atezolizumab trial", {trial.name: _data_set(trial) for trial in _TRIALS})
