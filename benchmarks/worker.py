"""One job in this process: ``python -m benchmarks.worker JOB.json RECORD.json``, started by `benchmarks.run`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.engine_job import run_engine
from benchmarks.jobs import Job
from benchmarks.stan_job import run_stan


def main(job_file: str, record_file: str) -> None:
    """Run the job and write what it cost and gave."""
    imported = time.process_time()
    job = Job(**json.loads(Path(job_file).read_text(encoding="utf-8")))
    found = run_stan(job) if job.engine == "stan" else run_engine(job, imported_cpu_seconds=imported)
    Path(record_file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
