"""Run with ``make bench``, ``make bench-full`` or ``python -m benchmarks``: Stan and both engines, side by side."""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks.jobs import BENCH, FULL, find_jobs
from benchmarks.stan_build import ROOT


def main() -> None:
    """Run the jobs of a plan that have no record yet, and rewrite the table of the documentation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", help="names of jobs; all of the plan when left out")
    parser.add_argument("--full", action="store_true", help="the long plan")
    parser.add_argument("--list", action="store_true", help="list the jobs and how long each takes, and stop")
    parser.add_argument("--fresh", action="store_true", help="measure anew what has a record already")
    parser.add_argument("--no-table", action="store_true", help="leave the documentation as it is")
    arguments = parser.parse_args()
    plan = FULL if arguments.full else BENCH
    try:
        jobs = find_jobs(arguments.jobs, plan)
    except ValueError as error:
        parser.error(str(error))
    if arguments.list:
        for job in jobs:
            print(f"{job.name:36} {'short' if job.short else '':6} about {job.minutes:g} min")
        print(f"together about {sum(job.minutes for job in jobs):.0f} min on 2 cores")
        return
    os.environ.setdefault("METACHRON_DATA", str(ROOT.parent / "shared" / "data"))
    sys.exit(_run(jobs, arguments))


def _run(jobs: tuple[object, ...], arguments: argparse.Namespace) -> int:
    from benchmarks.run import run_jobs

    records, failed = run_jobs(
        jobs,  # type: ignore[arg-type]
        fresh=arguments.fresh,
        tell=lambda sentence: print(sentence, flush=True),
    )
    if records and not arguments.no_table:
        from benchmarks.table import write_tables

        command = "make bench-full" if arguments.full else "make bench"
        print(write_tables(records, command=command).relative_to(ROOT))
    return 1 if failed else 0


if __name__ == "__main__":
    main()
