"""The one container of patient data: typed tables that keep every rule of the schema."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import polars as pl

from metachron.base import InputError, ModelError, Problem, list_briefly
from metachron.cohort.arrays import CohortArrays, flatten
from metachron.cohort.describe import as_html, as_text
from metachron.cohort.exceptions import AcceptedException
from metachron.cohort.fingerprint import fingerprint
from metachron.cohort.schema import LIMIT_MM, SCHEMA, UNUSED_SCHEMA
from metachron.cohort.size_rows import size_rows
from metachron.cohort.validate import validate


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Patients with their lesions, sizes, events and everything else known of them; made by `Cohort.create`.

    Parameters
    ----------
    name : what the cohort is called.
    patients ... alterations : one Polars frame per table of `metachron.cohort.SCHEMA`; days from day 0, sizes in mm.
    limit_mm : size in mm below which a lesion is too small to measure; ``below_limit`` is left-censored there.
    accepted : rule violations that are knowingly kept.
    notes : warnings about the data.
    provenance : citation, licence, source.
    unused : rows of the source that the tables do not hold: table, reason, count (rows), patients (their number).
    """

    name: str
    patients: pl.DataFrame
    lesions: pl.DataFrame
    measurements: pl.DataFrame
    visits: pl.DataFrame
    assessments: pl.DataFrame
    events: pl.DataFrame
    followup: pl.DataFrame
    markers: pl.DataFrame
    therapies: pl.DataFrame
    alterations: pl.DataFrame
    limit_mm: float = LIMIT_MM
    accepted: tuple[AcceptedException, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    unused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNUSED_SCHEMA))

    @classmethod
    def create(
        cls,
        name: str,
        tables: Mapping[str, Any],
        *,
        limit_mm: float = LIMIT_MM,
        accept: Sequence[AcceptedException] = (),
        notes: Sequence[str] = (),
        provenance: Mapping[str, str] | None = None,
        unused: pl.DataFrame | None = None,
        arms: Sequence[str] | None = None,
        files: Mapping[str, str] | None = None,
        problems: Sequence[Problem] = (),
    ) -> Cohort:
        """Return the cohort made of these tables, every rule checked.

        Parameters
        ----------
        tables : frames (Polars or pandas) by table name; ``patients`` is required, the others may be left out.
        accept : violations to keep; each must occur.
        arms : the arms that the study has, if a label outside them is to be an error.
        files : file of each table, for the messages (``accept``: the file that lists the exceptions).
        problems : problems found while reading, to be reported together with those found here.

        Raises
        ------
        InputError
            with all violations at once.
        """
        checked, accepted = validate(
            name, tables, limit_mm=limit_mm, accept=accept, arms=arms, files=files, problems=problems
        )
        return cls(
            name,
            **checked,
            limit_mm=float(limit_mm),
            accepted=accepted,
            notes=tuple(dict.fromkeys(notes)),
            provenance=dict(provenance or {}),
            unused=_unused(name, unused),
        )

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """All ten tables by name."""
        return {name: getattr(self, name) for name in SCHEMA}

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Identifiers, in the order of the table patients."""
        return tuple(self.patients["patient"].to_list())

    @property
    def arms(self) -> tuple[str, ...]:
        """Labels of the arms, sorted."""
        return tuple(self.patients["arm"].unique().sort().to_list())

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies, sorted."""
        return tuple(self.patients["study"].unique().sort().to_list())

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the baseline covariates in the table patients."""
        return tuple(c for c in self.patients.columns if c not in ("patient", "study", "arm"))

    def select(
        self,
        patients: Collection[str] | None = None,
        *,
        arms: Collection[str] | None = None,
        studies: Collection[str] | None = None,
    ) -> Cohort:
        """Return the cohort of the patients that meet all criteria given.

        Covariates that no selected patient has are left out, and a note says so. ``unused`` still describes the
        source.

        Raises
        ------
        ModelError
            if a patient, arm or study is not in the cohort.
        """
        chosen = self.patients
        for column, wanted in (("patient", patients), ("arm", arms), ("study", studies)):
            if wanted is not None:
                _refuse_unknown(column, wanted, self.patients[column])
                chosen = chosen.filter(pl.col(column).is_in(list(wanted)))
        ids = chosen["patient"]
        empty = [c for c in self.covariates if chosen.height and chosen[c].null_count() == chosen.height]
        kept = {name: frame.filter(pl.col("patient").is_in(ids.implode())) for name, frame in self.tables.items()}
        kept["patients"] = kept["patients"].drop(empty)
        notes = [f"{chosen.height} of {self.patients.height} patients of {self.name} are selected"]
        notes += [f"covariates without a value among them are left out: {list_briefly(empty, 20)}"] if empty else []
        accepted = tuple(a for a in self.accepted if a.patient == "*" or a.patient in set(ids))
        return replace(self.with_rows(kept), accepted=accepted, notes=(*self.notes, *notes))

    def with_rows(self, tables: Mapping[str, pl.DataFrame]) -> Cohort:
        """Return the cohort with other rows in some of its tables: a part of its own, or copies; not checked anew."""
        return replace(self, **tables)  # type: ignore[arg-type]

    def baseline_sizes(self, size: Literal["sum", "lesion"] = "sum") -> pl.DataFrame:
        """Return the last size at or before day 0 of each patient (or lesion).

        Columns: patient, lesion (null for a sum), day, size_mm (the limit where censored), censored.
        """
        used = size_rows(self.measurements, self.lesions, size, limit_mm=self.limit_mm).used
        before = used.filter(pl.col("day") <= 0).sort("day", maintain_order=True)
        return before.unique(["patient", "lesion"], keep="last", maintain_order=True).sort("patient", "lesion")

    def to_arrays(
        self,
        size: Literal["sum", "lesion"] | None = "sum",
        *,
        limit_mm: float | None = None,
        event: str | None = "death",
    ) -> CohortArrays:
        """Return flat arrays for computing; see `metachron.cohort.CohortArrays`.

        Parameters
        ----------
        size : one series of sizes per patient (``"sum"`` over target lesions), per ``"lesion"``, or none (None).
        limit_mm : size in mm at which censored sizes are censored; that of the cohort unless given.
        event : kind of the event in ``events``; None: no events.
        """
        limit = self.limit_mm if limit_mm is None else limit_mm
        return flatten(self.tables, size, limit_mm=limit, event=event)

    def fingerprint(self) -> str:
        """Return a hash of all rows and the limit, independent of row order; see `metachron.cohort.fingerprint`."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self.tables, self.limit_mm)

    def describe(self) -> str:
        """Return what the cohort holds, with its exceptions, notes and unused rows, as plain text."""
        return as_text(self)

    def __repr__(self) -> str:
        return f"<Cohort {self.name!r}: {self.patients.height} patients, {self.measurements.height} measurements>"

    def _repr_html_(self) -> str:
        return as_html(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cohort):
            return NotImplemented
        return (
            self.name == other.name
            and self.accepted == other.accepted
            and self.notes == other.notes
            and dict(self.provenance) == dict(other.provenance)
            and self.unused.equals(other.unused)
            and self.fingerprint() == other.fingerprint()
        )

    def __hash__(self) -> int:
        return hash((self.name, self.fingerprint()))


def _refuse_unknown(column: str, wanted: Collection[str], known: pl.Series) -> None:
    if isinstance(wanted, str):
        raise ModelError(f"give a list of {column}s, e.g. [{wanted!r}], not the text {wanted!r}")
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        some = list_briefly(known.unique(maintain_order=True).to_list())
        raise ModelError(f"the cohort has no {column} {list_briefly(map(repr, unknown))}; it has {some}")


def _unused(name: str, unused: pl.DataFrame | None) -> pl.DataFrame:
    if unused is None:
        return pl.DataFrame(schema=UNUSED_SCHEMA)
    try:
        return unused.select(list(UNUSED_SCHEMA)).cast(UNUSED_SCHEMA)  # type: ignore[arg-type]
    except pl.exceptions.PolarsError as error:
        problem = Problem(
            "unused-rows",
            found=f"columns {dict(unused.schema)}",
            expected="columns table, reason (text), count, patients (whole numbers)",
            remedy="give one row per table and reason, with the number of rows and of patients",
            table="unused",
        )
        raise InputError([problem], what=f"cohort {name!r}") from error
