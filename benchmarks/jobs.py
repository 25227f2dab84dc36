"""What is measured: one job is one engine on one cohort with one link; the plans of ``make bench`` and `bench-full`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

CHAINS = 2
SEED = 1


@dataclass(frozen=True)
class Job:
    """One measurement, in processes of its own.

    Parameters
    ----------
    engine : ``stan``, ``nuts`` (the joint engine) or ``marginal``.
    cohort : a named data set, or ``simulated-N`` with N patients.
    link : of the hazard to the tumour.
    draws : per chain; for Stan the size of a block, since it runs until its effective sample size is enough.
    warmup : per chain; None: the engine's default.
    short : too short for an effective sample size: only costs are reported.
    minutes : what it took on two cores, roughly.
    """

    engine: str
    cohort: str
    link: str = "log-growth"
    draws: int = 2000
    warmup: int | None = None
    short: bool = False
    minutes: float = 1.0
    chains: int = CHAINS
    seed: int = SEED

    @property
    def name(self) -> str:
        """Return a name that is unique within a plan."""
        return f"{self.cohort}-{self.link}-{self.engine}"

    def settings(self) -> dict[str, Any]:
        """Return what decides the result: all but the estimate of how long it takes."""
        return {key: value for key, value in asdict(self).items() if key != "minutes"}


BENCH = (
    Job("stan", "oak203", draws=500, minutes=5),
    Job("nuts", "oak203", draws=20000, minutes=4),
    Job("marginal", "oak203", draws=30000, minutes=1.5),
    Job("nuts", "oak203", "slope", minutes=5),
    Job("marginal", "oak203", "slope", draws=8000, minutes=4),
    Job("stan", "simulated-200", draws=500, minutes=5),
    Job("nuts", "simulated-200", minutes=1.5),
    Job("marginal", "simulated-200", minutes=1.5),
    Job("marginal", "simulated-2000", minutes=4),
    Job("nuts", "simulated-2000", draws=100, warmup=100, short=True, minutes=2),
)
"""``make bench``: at most an hour on two cores."""

FULL = (
    *(job for job in BENCH if job.name != "simulated-2000-log-growth-nuts"),
    Job("stan", "oak203", "slope", draws=500, minutes=40),
    Job("nuts", "simulated-2000", draws=1000, minutes=45),
    Job("marginal", "simulated-20000", draws=1000, minutes=30),
    Job("marginal", "simulated-50000", draws=100, warmup=100, short=True, minutes=60),
)
"""``make bench-full``: hours; each job's record is kept, so a run that was stopped goes on."""


def find_jobs(names: list[str], plan: tuple[Job, ...]) -> tuple[Job, ...]:
    """Return the jobs of a plan by name; all of them when no names are given.

    Raises
    ------
    ValueError
        When a name is none of the plan's.
    """
    known = {job.name: job for job in plan}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no job {', '.join(unknown)}; known: {', '.join(known)}")
    return tuple(known[name] for name in names) if names else plan
