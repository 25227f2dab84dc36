"""Do the methods give the same answer? One that does not is not ranked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from benchmarks.record import Record
from benchmarks.reference_files import COHORT, LINKS, reference_path

LIMIT = 5.0
"""Monte Carlo standard errors of a difference of means: with a dozen parameters a right answer is beyond it once in
150,000 runs by the normal law, and errors that are estimated from few draws leave room for that."""
ALLOWED_SD = {"marginal": 0.1}
"""Posterior standard deviations that an engine with an error of its own may be off besides."""
LEAST_ESS = 100.0
"""Below it the Monte Carlo error itself is not known, and agreement is not judged."""

Table = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Agreement:
    """How far the means lie from a reference: the largest difference in posterior sd, and in Monte Carlo errors.

    ``beyond`` : the largest one in Monte Carlo errors with what the engine may be off taken from it.
    """

    reference: str
    worst_sd: float
    worst_mcse: float
    beyond: float

    @property
    def wrong(self) -> bool:
        """Whether the difference is more than Monte Carlo error and what is allowed."""
        return self.beyond > LIMIT


def agreements(records: Iterable[Record]) -> dict[str, Agreement | None]:
    """Return the agreement of each record by the name of its job; None where there is nothing to compare with."""
    judged = [record for record in records if not record.job.short]
    found: dict[str, Agreement | None] = {}
    for record in judged:
        name, reference = _reference(record, judged)
        enough = record.found["ess"] >= LEAST_ESS
        found[record.job.name] = None
        if reference and enough:
            allowed = ALLOWED_SD.get(record.job.engine, 0.0)
            found[record.job.name] = compare(_table(record), reference, name, allowed_sd=allowed)
    return found


def compare(table: Table, reference: Table, name: str, *, allowed_sd: float = 0.0) -> Agreement:
    """Return how far the means of a table lie from those of a reference with the same parameters."""
    apart = {key: abs(row["mean"] - reference[key]["mean"]) for key, row in table.items()}
    error = {key: math.hypot(row["mcse_mean"], reference[key]["mcse_mean"]) for key, row in table.items()}
    return Agreement(
        name,
        max(apart[key] / reference[key]["sd"] for key in table),
        max(apart[key] / error[key] for key in table),
        max((apart[key] - allowed_sd * reference[key]["sd"]) / error[key] for key in table),
    )


def _reference(record: Record, others: list[Record]) -> tuple[str, Table | None]:
    """Return the stored long run of the same posterior, else another engine's draws: those that know most."""
    job = record.job
    if job.cohort == COHORT and job.link in LINKS and (path := reference_path(job.link)).is_file():
        return "the stored long run", {row["parameter"]: row for row in pl.read_csv(path).to_dicts()}
    same = [
        other
        for other in others
        if (other.job.cohort, other.job.link) == (job.cohort, job.link)
        and other.job.engine not in (job.engine, "marginal")
    ]
    if not same:
        return "", None
    best = max(same, key=lambda other: other.found["ess"])
    return best.job.engine, _table(best)


def _table(record: Record) -> Table:
    return {row["parameter"]: row for row in record.found["parameters"]}
