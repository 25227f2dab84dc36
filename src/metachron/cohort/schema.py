"""The ten tables of a cohort as data: columns, units, allowed values, ranges and keys.

Days count from the start of the treatment under study (day 0); diameters are in mm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

ORGANS = (
    "liver", "lung", "brain", "bone", "lymph_node", "adrenal", "peritoneum", "pleura",
    "soft_tissue", "skin", "kidney", "primary", "other", "unknown",
)  # fmt: skip
ROLES = ("target", "non_target", "new")
STATES = ("measured", "below_limit", "absent", "present", "progressed", "not_evaluable")
EVENT_KINDS = ("death", "progression", "new_lesion", "discontinuation")
SINGLE_EVENT_KINDS = ("death", "progression", "discontinuation")
DRUG_CLASSES = ("chemotherapy", "targeted", "immunotherapy", "hormonal", "radiotherapy", "surgery")
SEXES = ("female", "male")

LIMIT_MM = 5.0
"""Diameter below which a lesion counts as too small to measure: RECIST 1.1, section 4.1,
doi:10.1016/j.ejca.2008.10.026."""
MAX_DAY = 20_000.0
"""About 55 years: beyond it a day is probably a calendar date, an hour count or a typing error."""
DATED = {"measurements": "day", "visits": "day", "assessments": "day", "markers": "day", "therapies": "start_day"}
"""The day on which a row came to be known, by table; events and follow-up have their own rules."""
MAX_LESION_MM = 600.0
MAX_SUM_MM = 2_000.0

UNUSED_SCHEMA = {"table": pl.String, "reason": pl.String, "count": pl.Int64, "patients": pl.Int64}
"""Rows of the source that a cohort does not hold: how many rows (`count`) of how many `patients`, and why."""


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name, kind : name; text (`pl.String`) or number (`pl.Float64`).
    meaning, unit : in words; unit is empty for text and counts.
    required : the column must be there.
    nullable : cells may be empty.
    allowed : the only values permitted (text), empty for any.
    low, high : the only range permitted (numbers, bounds included).
    range_rule : name of the rule that a value outside the range breaks.
    """

    name: str
    kind: Literal["text", "number"]
    meaning: str
    unit: str = ""
    required: bool = True
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    range_rule: str = "out-of-range"

    @property
    def dtype(self) -> type[pl.DataType]:
        """Polars type of the column."""
        return pl.String if self.kind == "text" else pl.Float64


@dataclass(frozen=True)
class Table:
    """One table: its columns, the key that no two rows share, and whether further columns are welcome.

    Optional columns that are not given are added empty, except in ``patients``: a covariate is there or not.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    extra: bool = False

    def column(self, name: str) -> Column | None:
        """Return the column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def covariates(self) -> bool:
        """True for ``patients``, where optional columns stay absent when they are not given."""
        return self.name == "patients"

    def empty(self) -> pl.DataFrame:
        """Return the table without rows."""
        columns = [c for c in self.columns if c.required or not self.covariates]
        return pl.DataFrame(schema={column.name: column.dtype for column in columns})


def _text(name: str, meaning: str, **options: Any) -> Column:
    return Column(name, "text", meaning, **options)


def _number(name: str, meaning: str, unit: str = "", **options: Any) -> Column:
    return Column(name, "number", meaning, unit, **options)


def _day(name: str, meaning: str, **options: Any) -> Column:
    return _number(name, meaning, "day", low=-MAX_DAY, high=MAX_DAY, range_rule="implausible-day", **options)


_OPTIONAL: Mapping[str, Any] = {"required": False, "nullable": True}
_PATIENT = _text("patient", "identifier of the patient")

_PATIENTS = Table(
    "patients", "patient",
    (
        _PATIENT,
        _text("study", "name of the study"),
        _text("arm", "treatment arm; one constant value in a single-arm study"),
        _number("age_year", "age at day 0", "year", low=0, high=120, **_OPTIONAL),
        _text("sex", "sex", allowed=SEXES, **_OPTIONAL),
        _number("ecog", "ECOG performance status", low=0, high=5, **_OPTIONAL),
        _text("histology", "histology", **_OPTIONAL),
        _number("line", "line of therapy, 1 = first", low=0, high=30, **_OPTIONAL),
        _number("pdl1_percent", "PD-L1 expression", "percent", low=0, high=100, **_OPTIONAL),
        _number("tmb_per_mb", "tumour mutational burden", "mutations/Mb", low=0, high=5000, **_OPTIONAL),
        _number("albumin_g_per_dl", "serum albumin", "g/dL", low=0.3, high=8, **_OPTIONAL),
        _number("nlr", "neutrophil-to-lymphocyte ratio", low=0, high=1000, **_OPTIONAL),
        _number("ldh", "lactate dehydrogenase", "U/L", low=0, high=100_000, **_OPTIONAL),
        _number("met_sites", "number of metastatic sites", low=0, high=100, **_OPTIONAL),
        _number("baseline_sld_mm", "reported baseline sum of diameters", "mm", low=0, high=MAX_SUM_MM, **_OPTIONAL),
    ),
    key=("patient",), extra=True,
)  # fmt: skip

_LESIONS = Table(
    "lesions", "lesion",
    (
        _PATIENT,
        _text("lesion", "identifier of the lesion within the patient"),
        _text("organ", "organ of the lesion", allowed=ORGANS),
        _text("role", "role in the response assessment", allowed=ROLES),
    ),
    key=("patient", "lesion"),
)  # fmt: skip

_MEASUREMENTS = Table(
    "measurements", "lesion x visit, or patient x visit where only the sum is known",
    (
        _PATIENT,
        _text("lesion", "identifier of the lesion; empty: the sum over target lesions", **_OPTIONAL),
        _day("day", "day of the assessment"),
        _number("size_mm", "diameter, or sum of diameters", "mm", nullable=True, low=0, range_rule="negative-size"),
        _text("state", "what the assessment found", allowed=STATES),
    ),
    key=("patient", "lesion", "day"),
)  # fmt: skip

_VISITS = Table("visits", "assessment made", (_PATIENT, _day("day", "day of the visit")), key=("patient", "day"))

_ASSESSMENTS = Table(
    "assessments", "recorded response",
    (
        _PATIENT,
        _day("day", "day of the assessment; empty: best overall response", nullable=True),
        _text("criterion", "response criterion, e.g. RECIST 1.1"),
        _text("response", "response, e.g. CR, PR, SD, PD, NE"),
        _text("assessor", "who assessed", **_OPTIONAL),
    ),
    key=("patient", "day", "criterion", "assessor"),
)  # fmt: skip

_EVENTS = Table(
    "events", "event",
    (
        _PATIENT,
        _text("kind", "kind of event", allowed=EVENT_KINDS),
        _day("day_lower", "last day known to be without the event, or its exact day"),
        _day("day_upper", "first day known to be after the event; equal to day_lower when exact"),
        _text("organ", "organ of a new lesion", allowed=ORGANS, **_OPTIONAL),
    ),
)  # fmt: skip

_FOLLOWUP = Table(
    "followup", "patient x outcome",
    (
        _PATIENT,
        _text("kind", "outcome under observation", allowed=EVENT_KINDS),
        _day("entry_day", "first day under observation for this outcome"),
        _day("last_day", "last day under observation for this outcome"),
    ),
    key=("patient", "kind"),
)  # fmt: skip

_MARKERS = Table(
    "markers", "laboratory or ctDNA value",
    (
        _PATIENT,
        _text("marker", "name of the marker"),
        _day("day", "day of the sample"),
        _number("value", "value of the marker"),
        _text("unit", "unit of the value"),
    ),
    key=("patient", "marker", "day"),
)  # fmt: skip

_THERAPIES = Table(
    "therapies", "administration period",
    (
        _PATIENT,
        _text("drug", "name of the drug or procedure"),
        _text("drug_class", "class of the drug", allowed=DRUG_CLASSES),
        _day("start_day", "first day of the period"),
        _day("stop_day", "last day of the period; empty: not known to have stopped", **_OPTIONAL),
        _number("dose", "dose", low=0, range_rule="negative-dose", **_OPTIONAL),
        _number("line", "line of therapy, 1 = first", low=0, high=30, **_OPTIONAL),
    ),
    key=("patient", "drug", "start_day"),
)  # fmt: skip

_ALTERATIONS = Table(
    "alterations", "molecular finding",
    (
        _PATIENT,
        _text("gene", "gene symbol"),
        _text("alteration", "the alteration, e.g. the protein change", **_OPTIONAL),
        _text("kind", "kind of alteration, e.g. missense", **_OPTIONAL),
        _number("allele_fraction", "variant allele fraction", "fraction", low=0, high=1, **_OPTIONAL),
        _day("sample_day", "day of the sample", **_OPTIONAL),
    ),
    extra=True,
)  # fmt: skip

_ALL = (
    _PATIENTS, _LESIONS, _MEASUREMENTS, _VISITS, _ASSESSMENTS, _EVENTS, _FOLLOWUP, _MARKERS, _THERAPIES, _ALTERATIONS,
)  # fmt: skip

SCHEMA: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})
"""Every table by name, in the order in which they are read and written."""
