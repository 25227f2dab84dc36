"""An empty, valid cohort for people to fill in, with a commented mapping file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metachron.cohort.folder import MAPPING_FILE
from metachron.cohort.schema import LIMIT_MM, SCHEMA, Column, Table
from metachron.cohort.table_files import write_csv
from metachron.cohort.write import filling, refuse_occupied

_COVARIATES = ("age_year", "sex", "ecog")
_EXAMPLES = {
    "patients": "P001,TRIAL-1,docetaxel,61,female,1",
    "lesions": "P001,L1,liver,target",
    "measurements": "P001,L1,-7,34.0,measured",
    "visits": "P001,-7",
    "assessments": "P001,42,RECIST 1.1,SD,investigator",
    "events": "P001,death,312,312,",
    "followup": "P001,death,0,312",
    "markers": "P001,ctDNA,0,1.8,MTM/mL",
    "therapies": "P001,docetaxel,chemotherapy,0,63,75,2",
    "alterations": "P001,KRAS,G12C,missense,0.12,-7",
}

_MAPPING = f"""\
# How your files become a cohort. Every line is commented out: nothing here is in force until you remove its '#'.
# Without a mapping, each table is a file <table>.csv or <table>.parquet with the columns that README.txt lists.

# name = "My trial"
# limit_mm = {LIMIT_MM}                  # size in mm below which a lesion is too small to measure
# arms = ["docetaxel", "atezolizumab"]   # another label is then an error
# missing = [".", "NA"]                  # cells that mean missing
# separator = ";"                        # of CSV files
# decimal_comma = true                   # numbers are written 12,5
# ignore = ["old_*.csv"]                 # files in this folder that are not tables
# notes = ["sizes were read centrally"]

# [provenance]
# citation = "where the data come from"
# licence = "who may use them"

# [measurements]
# file = "tumour.csv"                                   # instead of measurements.csv
# columns = {{ patient = "SUBJID", lesion = "LESID", day = "VISITWK", size_mm = "DIAM" }}   # ours = yours
# units = {{ day = "week", size_mm = "cm" }}              # day: week, month, year; size_mm: cm
# states = {{ absent = ["0"], below_limit = ["TOO SMALL"], not_evaluable = ["NE", ""] }}   # other cells: measured

# [lesions]
# file = "tumour.csv"
# distinct = true                                       # identical rows count once
# columns = {{ patient = "SUBJID", lesion = "LESID", organ = "SITE" }}
# values.organ = {{ liver = ["LIV", "Liver"], lung = ["LUNG"] }}   # ours = yours
# constants = {{ role = "target" }}                       # the same in every row

# [patients]
# columns = {{ patient = "SUBJID", arm = "TRT", age_year = "AGE", albumin_g_per_dl = "ALB" }}
# units = {{ albumin_g_per_dl = "g/L" }}
# constants = {{ study = "TRIAL-1" }}
# types = {{ site = "text" }}                             # a further column of digits that is a label

# A table may have several sources: write [[events]] once for each.
# [[events]]
# file = "survival.csv"
# where = {{ DEAD = ["1"] }}                              # only these rows
# columns = {{ patient = "SUBJID", day_lower = "OS_MONTHS", day_upper = "OS_MONTHS" }}
# units = {{ day_lower = "month", day_upper = "month" }}
# constants = {{ kind = "death" }}

# [followup]
# file = "survival.csv"
# columns = {{ patient = "SUBJID", last_day = "OS_MONTHS" }}
# units = {{ last_day = "month" }}
# constants = {{ kind = "death", entry_day = 0 }}

# Rule violations that you keep knowingly; `rule` stands in square brackets in the error message.
# [[accept]]
# patient = "P017"
# rule = "after-death"
# reason = "date of death confirmed, date of the scan not; kept as in the trial report"
"""


def write_template(path: str | Path) -> Path:
    """Write header-only tables, a commented ``mapping.toml`` and a ``README.txt``; return the folder.

    The folder is a valid cohort of no patients as it stands.

    Raises
    ------
    InputError
        if the folder is not empty.
    """
    folder = Path(path)
    refuse_occupied(folder, overwrite=False)
    with filling(folder) as partial:
        for table in SCHEMA.values():
            header = {column.name: column.dtype for column in _columns(table)}
            write_csv(pl.DataFrame(schema=header), partial / f"{table.name}.csv")
        (partial / MAPPING_FILE).write_text(_MAPPING, "utf-8")
        (partial / "README.txt").write_text(_readme(), "utf-8")
    return folder


def _columns(table: Table) -> list[Column]:
    """Return the columns that the template shows: for patients, a few covariates of the many possible ones."""
    return [c for c in table.columns if c.required or not table.covariates or c.name in _COVARIATES]


def _readme() -> str:
    lines = [
        "A cohort: one CSV file per table. Delete the files of tables that you do not have; patients.csv must stay.",
        "Days count from the start of the treatment under study (day 0), before it they are negative. Sizes are in mm.",
        "Empty cells are missing values. A covariate without any value must go: delete its column.",
        "Sizes: state measured needs a size above 0; below_limit = too small to measure; absent = gone (0 or empty);",
        "present, progressed, not_evaluable = no size. Leave `lesion` empty where only the sum is known.",
        "Check with: metachron check FOLDER. Other names or units: see mapping.toml.",
    ]
    for table in SCHEMA.values():
        lines += ["", f"{table.name}.csv: one row per {table.row}"]
        lines += [f"  {column.name}: {_explain(column)}" for column in table.columns]
        lines += ["  (further columns are covariates, numbers or text)"] if table.covariates else []
        lines += [f"  example: {','.join(c.name for c in _columns(table))}", f"           {_EXAMPLES[table.name]}"]
    return "\n".join(lines) + "\n"


def _explain(column: Column) -> str:
    parts = [column.meaning]
    parts += [f"in {column.unit}"] if column.unit else []
    parts += [f"one of {', '.join(column.allowed)}"] if column.allowed else []
    parts += [] if column.required else ["optional"]
    return "; ".join(parts)
