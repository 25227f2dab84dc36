"""Slow studies in steps that are kept on disk, so that a run goes on where it was cut off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "slow"
_CODE = [
    "base/quadrature.py", "dynamics/*.py", "hazards/*.py", "joint/links/*.py", "inference/chains.py",
    "inference/nuts.py", "inference/posterior.py",
    *(f"joint/{name}.py" for name in (
        "design", "given_parameters", "hazard_terms", "inversion", "likelihood", "new_lesions", "observation",
        "population", "priors", "simulate", "simulate_new_lesions", "sites", "stretches", "trial_tables",
    )),
]  # fmt: skip
"""The source code that determines draws of the joint engine from simulated cohorts."""
_MARGINAL = ["joint/size_summary.py", "inference/marginal/*.py", "inference/criticism/*.py", "inference/pareto.py"]
"""What the marginal engine and leave-one-out rest on besides."""


def resume(
    name: str, settings: list[Any], steps: int, make: Callable[[int], dict[str, Any]], *, marginal: bool, tests: str
) -> list[dict[str, Any]]:
    """Return the results of steps 0, 1, ...; those that are done are read from disk.

    Parameters
    ----------
    settings : what the results depend on besides the code; other settings, or other code, begin anew.
    marginal : whether the marginal engine takes part.
    tests : file of the test code that makes a step.
    """
    digest = hashlib.sha256(json.dumps([*settings, code_digest(marginal, tests)]).encode()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{name}-{digest}.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    for step in range(len(done), steps):
        row = make(step)
        with file.open("a") as out:
            out.write(json.dumps(row) + "\n")
        done.append(row)
    return done[:steps]


def code_digest(marginal: bool, tests: str) -> str:
    """Return a hash of the code that determines the results, that of the tests included."""
    package = ROOT / "src" / "metachron"
    patterns = [*_CODE, *(_MARGINAL if marginal else [])]
    found = [path for pattern in patterns for path in sorted(package.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in [*found, Path(tests)])).hexdigest()
