"""A named public data set: where it comes from, what to beware of, and how it becomes a `Cohort`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from metachron.base import DataNotFoundError, list_briefly
from metachron.cohort.cohort import Cohort
from metachron.cohort.datasets.public_file import PublicFile, find_file
from metachron.cohort.exceptions import AcceptedException
from metachron.cohort.schema import LIMIT_MM, UNUSED_SCHEMA


@dataclass(frozen=True)
class Unused:
    """Rows of a published file that the cohort does not hold: of which table, why, how many, of which patients."""

    table: str
    reason: str
    patients: tuple[str, ...]
    """Patient of each row left out, so the length is the number of rows."""


@dataclass(frozen=True)
class Published:
    """What a reader makes of the published files: tables of the schema, and the rows that found no place in them."""

    tables: Mapping[str, pl.DataFrame]
    unused: tuple[Unused, ...] = ()
    notes: tuple[str, ...] = ()
    """What reading has found and a user must know."""


@dataclass(frozen=True)
class DataSet:
    """A named public data set.

    Parameters
    ----------
    name : name on the command line and in `DATASETS`.
    title, citation, licence, doi : as the publisher states them.
    files : the published files, by the names under which they are looked for.
    read : function of the paths of `files`, by name, that returns the tables.
    patients, measurements : rows of these two tables; None where nobody has counted them yet.
    warnings : what a user must know before a claim is made from these data.
    accepted : rows that break a rule of the schema and are knowingly kept.
    settled : published rows that break a rule and are settled by a stated rule, so that the tables keep it; the rows
        left out count as unused.
    limit_mm : diameter below which a lesion counts as too small to measure.
    design : what tables cannot say of the trial: ``"control arm"``, ``"randomised"`` (``"yes"``), ``"sequenced"`` (the
        column of ``patients`` that says who was). Part of the provenance.
    """

    name: str
    title: str
    citation: str
    licence: str
    doi: str
    files: tuple[PublicFile, ...]
    read: Callable[[Mapping[str, Path]], Published] = field(repr=False)
    patients: int | None
    measurements: int | None = 0
    warnings: tuple[str, ...] = ()
    accepted: tuple[AcceptedException, ...] = ()
    settled: tuple[AcceptedException, ...] = ()
    limit_mm: float = LIMIT_MM
    design: Mapping[str, str] = field(default_factory=dict)

    def find(self, file: PublicFile | str) -> Path:
        """Return the path of one of `files`, given itself or by name, as `find_file` finds it."""
        known = {item.name: item for item in self.files}
        name = file if isinstance(file, str) else file.name
        if name not in known:
            raise DataNotFoundError(f"{self.name} has no file called {name!r}; it has {list_briefly(known)}")
        return find_file(known[name])

    def load(self) -> Cohort:
        """Return the data set as a `Cohort`.

        Raises
        ------
        DataNotFoundError, InputError : as `find_file` does.
        """
        paths = {file.name: self.find(file) for file in self.files}
        published = self.read(paths)
        return Cohort.create(
            self.name,
            published.tables,
            limit_mm=self.limit_mm,
            accept=self.accepted,
            notes=(*self.notes, *published.notes),
            provenance=self.provenance,
            unused=_count_unused(published.unused),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings, and the published rows that were settled by a rule: the notes of the cohort."""
        settled = (f"settled: patient {entry.patient} [{entry.rule}]: {entry.reason}" for entry in self.settled)
        return (*self.warnings, *settled)

    @property
    def provenance(self) -> dict[str, str]:
        """Title, citation, licence, source and files, as kept in the cohort and in a fit."""
        files = (f"{file.name} ({file.checked}), from {file.origin}" for file in self.files)
        return {
            "title": self.title,
            "citation": self.citation,
            "licence": self.licence,
            "source": f"https://doi.org/{self.doi}",
            "files": "; ".join(files),
            **self.design,
        }

    def describe(self) -> str:
        """Return what `metachron data describe` prints.

        Title, contents, accepted exceptions, warnings, unused rows, citation, licence and files; without the contents
        where the files are neither at hand nor to be downloaded.
        """
        try:
            return f"{self.title}\n{self.load().describe()}"
        except DataNotFoundError as error:
            counts = f"{self.name}: {_counted(self.patients)} patients, {_counted(self.measurements)} measurements"
            source = [f"{key}: {value}" for key, value in self.provenance.items()]
            exceptions = [f"patient {a.patient}, rule {a.rule}: {a.reason}" for a in self.accepted]
            lines = [self.title, counts, *source, *exceptions, *self.notes, "", str(error)]
            return "\n".join(lines)


def _counted(number: int | None) -> str:
    return "an unknown number of" if number is None else str(number)


def _count_unused(unused: tuple[Unused, ...]) -> pl.DataFrame:
    rows = [(u.table, u.reason, len(u.patients), len(set(u.patients))) for u in unused if u.patients]
    return pl.DataFrame(rows, schema=UNUSED_SCHEMA, orient="row")
