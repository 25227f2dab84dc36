"""Jobs one after the other, each in a process of its own; a record that is at hand is not made again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.jobs import Job
from benchmarks.record import Record, origin_of, read_record, write_record
from metachron.base import MetachronError


def run_jobs(jobs: tuple[Job, ...], *, fresh: bool, tell: Callable[[str], None]) -> tuple[list[Record], list[str]]:
    """Return the records of the jobs, and the names of those that failed; a failure does not stop the rest.

    Parameters
    ----------
    fresh : measure anew what has a record already.
    tell : called with a sentence before each job and after.
    """
    records, failed = [], []
    for number, job in enumerate(jobs, start=1):
        head = f"[{number}/{len(jobs)}] {job.name}"
        if not fresh and (record := read_record(job)) is not None:
            tell(f"{head}: measured on {record.origin['made'][:10]}")
            records.append(record)
            continue
        tell(f"{head}: about {job.minutes:g} min on 2 cores")
        try:
            records.append(run_job(job))
        except MetachronError as error:
            tell(f"{head}: failed: {error}")
            failed.append(job.name)
    return records, failed


def run_job(job: Job) -> Record:
    """Run a job in a process of its own and keep its record.

    Raises
    ------
    MetachronError
        When the process fails; what it said went to standard error.
    """
    origin = origin_of(job)
    found = run_in_process(job)
    record = Record(job, found, {**origin, "made": datetime.now(UTC).isoformat(timespec="minutes")})
    write_record(record)
    return record


def run_in_process(job: Job, **environment: str) -> dict[str, Any]:
    """Return what a job cost and gave in a process of its own, with the environment of this one and what is given.

    Raises
    ------
    MetachronError
        When the process fails; what it said went to standard error.
    """
    with TemporaryDirectory() as folder:
        order, answer = Path(folder) / "job.json", Path(folder) / "record.json"
        order.write_text(json.dumps(asdict(job)), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.worker", str(order), str(answer)]
        done = subprocess.run(command, check=False, env={**os.environ, **environment})
        if done.returncode != 0:
            raise MetachronError(f"its process ended with status {done.returncode}; the reason is above")
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found
