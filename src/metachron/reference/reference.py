"""Reference posteriors: fits of public trials that are shipped with metachron, ready to forecast from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import polars as pl

from metachron.base import FitFileError, ModelError
from metachron.forecast import Source
from metachron.forecast.copies import baseline_covariates
from metachron.inference import Fit
from metachron.reference.card import Card
from metachron.reference.skill import read_skill, skill_in_words
from metachron.reference.synthetic import invent_patients

SIZE_LIMIT_BYTES = 2_000_000
_TRIAL = "trial.json"


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference posterior: its card, and one source, or two of patients who could not be matched.

    ``parts`` by name: ``joint``, or ``sizes`` and ``survival``. ``skill``: how well its forecasts were met, see
    `read_skill`; None where that has not been measured.
    """

    card: Card
    parts: Mapping[str, Source]
    skill: pl.DataFrame | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """The options that it knows."""
        return next(iter(self.parts.values())).fit.labels.arms

    def __repr__(self) -> str:
        return f"Reference({self.card.name}: {self.card.title})"


def reference_names() -> tuple[str, ...]:
    """Return the names of the reference posteriors that are shipped."""
    root = files("metachron.reference") / "posteriors"
    return tuple(sorted(entry.name for entry in root.iterdir() if (entry / "card.toml").is_file()))


def load_reference(name: str | Path) -> Reference:
    """Return a shipped reference posterior by its name, or one in a folder.

    Raises
    ------
    ModelError
        When there is none of that name.
    FitFileError
        When a file of it is missing or damaged.
    """
    if isinstance(name, Path) or Path(name).is_dir():
        return _read(Path(name))
    if name not in reference_names():
        raise ModelError(f"there is no reference posterior {name!r}; shipped are {', '.join(reference_names())}")
    with as_file(files("metachron.reference") / "posteriors" / name) as folder:
        return _read(folder)


def _read(folder: Path) -> Reference:
    card, skill = Card.read(folder), read_skill(folder)
    return Reference(card, {part: _read_part(folder, part, card, skill_in_words(skill)) for part in card.parts}, skill)


def _read_part(folder: Path, part: str, card: Card, skill: str) -> Source:
    fit = Fit.load(folder / f"{part}.nc")
    path = folder / f"{part}.{_TRIAL}"
    try:
        trial = json.loads(path.read_text("utf-8"))
        pool = pl.DataFrame(trial["pool"]) if trial["pool"] else None
        members, followed = frozenset(trial["members"]), trial["followed_day"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FitFileError(
            f"reference posterior {folder}: {path.name} cannot be read ({type(error).__name__}: {error}); make it "
            "again with `metachron reference make`"
        ) from error
    rests_on = {
        "data": card.data,
        "citation": card.citation,
        "licence": card.licence,
        "model": fit.model.describe(),
        "fit": _recorded(card.record[part]),
        "measured skill": skill,
        "metachron": str(fit.provenance.get("versions", {}).get("metachron", "")),
    }
    return Source(fit, pool, members, followed, rests_on, card.cannot_tell)


def _recorded(found: Mapping[str, Any]) -> str:
    """Return in words what was recorded of the draws: `check_reference` finds it again."""
    ess = min(found["min_ess_bulk"], found["min_ess_tail"])
    return (
        f"{found['draws']} draws, R-hat at most {found['max_rhat']}, ESS at least {ess:.0f}, integrals "
        f"{found['integrals']}"
    )


def write_part(source: Source, folder: Path, part: str) -> None:
    """Write a part without its patients: draws, model and labels, and invented patients with covariates like theirs."""
    source.fit.without_cohort().save(folder / f"{part}.nc")
    used = baseline_covariates(source.fit.model)
    pool = invent_patients(source.pool, used) if used and source.pool is not None else None
    trial = {
        "pool": {} if pool is None else pool.to_dict(as_series=False),
        "members": sorted(source.members),
        "followed_day": source.followed_day,
    }
    (folder / f"{part}.{_TRIAL}").write_text(json.dumps(trial), "utf-8")
