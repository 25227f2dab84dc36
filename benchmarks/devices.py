"""``python -m benchmarks.devices``: the engines on a GPU beside the CPU of the same machine.

Every fit is a job like those of ``python -m benchmarks``, in a process of its own with an empty compilation cache; only
where JAX computes differs. Records are not kept: they belong to the machine.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.agreement import compare
from benchmarks.jobs import Job
from benchmarks.run import run_in_process

PLATFORMS = ("cuda", "cpu")
JOBS = (
    Job("marginal", "simulated-200", draws=500, warmup=300),
    Job("marginal", "simulated-2000", draws=500, warmup=300),
    Job("marginal", "simulated-20000", draws=100, warmup=100, short=True),
    Job("nuts", "simulated-200", draws=500, warmup=300),
    Job("nuts", "simulated-2000", draws=100, warmup=100, short=True),
)


def main() -> None:
    """Run the jobs on each platform and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", action="append", choices=[job.name for job in JOBS])
    parser.add_argument("--platform", action="append", choices=PLATFORMS)
    given = parser.parse_args()
    for job in JOBS:
        if given.job and job.name not in given.job:
            continue
        found: dict[str, dict[str, Any]] = {}
        for platform in given.platform or PLATFORMS:
            found[platform] = run_in_process(job, JAX_PLATFORMS=platform)
            costs = found[platform]
            print(
                f"{job.name} on {platform}: {costs['wall_seconds']:.1f} s of wall time, "
                f"{costs['compile_cpu_seconds']:.1f} s of CPU time compiling, {costs['leapfrogs_warmup']} leapfrog "
                f"steps of warm-up and {costs['leapfrogs_sampling']} of sampling",
                flush=True,
            )
        if len(found) == len(PLATFORMS) and not job.short:
            one, other = ({row["parameter"]: row for row in answer["parameters"]} for answer in found.values())
            apart = compare(one, other, "").worst_mcse
            print(f"{job.name}: posterior means at most {apart:.1f} Monte Carlo errors apart")


if __name__ == "__main__":
    main()
