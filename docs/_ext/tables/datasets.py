"""The named public data sets, from their declarations; no data file is read."""

from __future__ import annotations

from metachron.cohort.datasets import DATASETS, DataSet
from tables.markdown import code, table, text


def dataset_list() -> str:
    """Return one row per data set."""
    rows = [
        [code(item.name), text(item.title), _count(item.patients), _count(item.measurements)]
        for item in DATASETS.values()
    ]
    return table(["name", "title", "patients", "measurements"], rows)


def _count(number: int | None) -> str:
    return "not counted" if number is None else str(number or "none")


def dataset_details() -> str:
    """Return source, licence, warnings and exceptions of every data set."""
    return "\n\n".join(_details(item) for item in DATASETS.values())


def _details(item: DataSet) -> str:
    files = "; ".join(f"{code(file.name)}, from {text(file.origin)}" for file in item.files)
    lines = [
        f"### {item.name}",
        f"{text(item.title)}.",
        f"{text(item.citation)}. [doi:{text(item.doi)}](https://doi.org/{item.doi})",
    ]
    lines += [f"Licence: {text(item.licence)}. Files: {files}."]
    notes = [*item.warnings, *(f"accepted: patient {a.patient}, rule {a.rule}: {a.reason}" for a in item.accepted)]
    notes += [f"settled: patient {a.patient}, rule {a.rule}: {a.reason}" for a in item.settled]
    return "\n\n".join(lines) + "\n\n" + "\n".join(f"- {text(note)}" for note in notes)
