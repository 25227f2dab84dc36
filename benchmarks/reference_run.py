"""The stored long run of the joint engine on oak203: ``python -m benchmarks.reference_run --link log-growth``.

It writes means, standard deviations and their Monte Carlo errors to ``tests/parity/reference``. The marginal engine and
whatever comes after it are held against these numbers. A killed run continues where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.cohorts import benchmark_model
from benchmarks.precision import least_ess
from benchmarks.reference_files import LINKS, reference_path
from benchmarks.stan_build import ROOT
from metachron.base import MetachronError
from metachron.inference import Fit, fit

LEAST_ESS = 4000.0
"""Smallest bulk and tail effective sample size that makes a reference: means are known to 0.016 posterior sd."""


def long_run(link: str, *, chains: int, warmup: int, draws: int, seed: int, target_acceptance: float) -> Fit:
    """Return the fit of the default model with the given link to oak203 by the joint engine.

    Raises
    ------
    ConvergenceError
        When the draws do not pass the diagnostics.
    MetachronError
        When an effective sample size is below `LEAST_ESS`.
    """
    from metachron.cohort.read import load

    result = fit(
        benchmark_model(link),
        load("oak203"),
        engine="nuts",
        chains=chains,
        warmup=warmup,
        draws=draws,
        seed=seed,
        target_acceptance=target_acceptance,
        checkpoint=ROOT / ".cache" / "reference" / link,
    )
    least = least_ess(result.summary())
    if least < LEAST_ESS:
        result.save(ROOT / ".cache" / "reference" / f"{link}.fit")
        raise MetachronError(
            f"the smallest effective sample size is {least:.0f}, and a reference needs {LEAST_ESS:.0f}: "
            f"take about {math.ceil(draws * LEAST_ESS / least / 500) * 500} draws per chain (--draws)"
        )
    return result


def reference_table(result: Fit) -> pl.DataFrame:
    """Return mean and sd of each population parameter with their Monte Carlo standard errors.

    The error of an sd follows from the effective sample size of squared deviations (Vehtari 2021,
    doi:10.1214/20-BA1221): it counts the tails of skewed posteriors, which the normal rule sd / sqrt(2 ESS) does not.
    """
    from arviz_stats.base import array_stats

    from metachron.inference.posterior import population_draws
    from metachron.joint.names import flat_names

    draws = population_draws(result.posterior, flat_names(result.model, result.dims, result.labels))
    errors = array_stats.mcse(np.moveaxis(draws, -1, 0), chain_axis=1, draw_axis=2, method="sd")
    return (
        result.summary()
        .with_columns(pl.Series("mcse_sd", np.atleast_1d(errors)))
        .select("parameter", "mean", "sd", "mcse_mean", "mcse_sd", "q05", "q95", "rhat", "ess_bulk", "ess_tail")
    )


def write_reference(result: Fit, link: str) -> Path:
    """Write the table and, beside it, how it was made; return the path of the table."""
    path = reference_path(link)
    reference_table(result).write_csv(path, float_precision=7)
    wanted = ("engine", "chains", "warmup", "draws", "seed", "target_acceptance", "gradients_warmup",
              "gradients_sampling", "made", "versions", "cohort", "cohort_sha256")  # fmt: skip
    facts = {name: result.provenance[name] for name in wanted}
    facts |= {"draws": result.diagnostics.draws, "verdict": result.diagnostics.verdict, "model": result.model.to_toml()}
    path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Run, check and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--link", choices=LINKS, default="log-growth")
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=1500)
    parser.add_argument("--draws", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--target-acceptance", type=float, default=0.8)
    options = vars(parser.parse_args())
    link = options.pop("link")
    result = long_run(link, **options)
    print(result.diagnostics.verdict)
    print(write_reference(result, link).relative_to(ROOT))


if __name__ == "__main__":
    main()
