"""Run with ``make bench`` or ``python -m benchmarks``: oak203, Stein-Fojo, Weibull, the growth link and the slope."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.gradient import measure_gradient
from benchmarks.sampling import measure_sampling

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.setdefault("METACHRON_DATA", str(ROOT.parent / "shared" / "data"))

    from metachron.cohort.read import load
    from metachron.joint import compose

    cohort = load("oak203")
    models = {link: compose(dynamics="stein-fojo", hazard="weibull", links=[link]) for link in ("log-growth", "slope")}
    print("| link | dimensions | ms per gradient: median (range) | compile s | gradient error |")
    print("|---|---|---|---|---|")
    for link, model in models.items():
        cost = measure_gradient(model, cohort)
        span = f"{cost.median_ms:.3f} ({cost.fastest_ms:.3f} to {cost.slowest_ms:.3f})"
        print(f"| {link} | {cost.dimensions} | {span} | {cost.compile_seconds:.1f} | {cost.error:.0e} |", flush=True)
    print()
    print("| link | CPU s | leapfrogs, warm-up + sampling | min bulk / tail ESS | ESS per CPU s | R-hat |")
    print("|---|---|---|---|---|---|")
    for link, model in models.items():
        run = measure_sampling(model, cohort, warmup=arguments.warmup, draws=arguments.draws, seed=arguments.seed)
        print(
            f"| {link} | {run.cpu_seconds:.0f} | {run.leapfrogs_warmup} + {run.leapfrogs_sampling} "
            f"| {run.min_ess_bulk:.0f} / {run.min_ess_tail:.0f} | {run.ess_per_cpu_second:.1f} | {run.max_rhat:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
