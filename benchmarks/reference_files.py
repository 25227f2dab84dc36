"""Where the stored long runs of the joint engine on oak203 are."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "parity" / "reference"
COHORT = "oak203"
_FILES = {"log-growth": "oak203_joint_long_run.csv", "slope": "oak203_joint_long_run_slope.csv"}
LINKS = tuple(_FILES)
"""Links with a stored run."""


def reference_path(link: str) -> Path:
    """Return the CSV of means, sds and Monte Carlo errors; the JSON file beside it says how they were made."""
    return FOLDER / _FILES[link]
