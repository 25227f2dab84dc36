"""Load a cohort by name or by folder."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from metachron.base import InputError, ModelError, Problem, list_briefly
from metachron.cohort.cohort import Cohort
from metachron.cohort.folder import COHORT_FILE, MAPPING_FILE, read_folder

RECIST_FILE = "recist_measurements.csv"
MAPPINGS = (COHORT_FILE, MAPPING_FILE)


def load(path_or_name: str | Path, *, mapping: str | Path | None = None) -> Cohort:
    """Return the cohort in a folder, or the public data set of that name; a folder goes first.

    A folder with ``recist_measurements.csv`` is read in the layout of the data set ``recist-open``, unless a mapping
    says otherwise.

    Raises
    ------
    InputError
        if there is neither, or the folder breaks a rule.
    ModelError
        if a mapping is given for a public data set.
    """
    if (path := Path(path_or_name)).exists():
        if mapping is None and (path / RECIST_FILE).is_file() and not any((path / name).exists() for name in MAPPINGS):
            from metachron.cohort.datasets.recist_open import read_recist_folder

            return read_recist_folder(path)
        return read_folder(path, mapping=mapping)
    from metachron.cohort.datasets import DATASETS  # needs spreadsheet readers; a folder does not

    name = str(path_or_name)
    if name not in list(DATASETS):
        raise InputError([_neither(name, list(DATASETS))], what=name)
    if mapping is not None:
        raise ModelError(f"{name} is a public data set, read as published; a mapping is for folders")
    return DATASETS[name].load()


def _neither(name: str, known: list[str]) -> Problem:
    parent = Path(name).parent
    folders = [str(item) for item in parent.iterdir() if item.is_dir()] if parent.is_dir() else []
    near = get_close_matches(name, [*known, *folders], n=3)
    hint = f"did you mean {list_briefly(map(repr, near))}?" if near else "`metachron data list` shows the data sets"
    return Problem(
        "no-cohort",
        found=f"neither a folder nor a public data set called {name!r}",
        expected=f"a folder, or one of {list_briefly(known, 30)}",
        remedy=hint,
        file=name,
    )
