"""203 patients of OAK, Stein-Fojo by arm, from the command line, against the published posterior of a Stan program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from parity.published import HERE, MODELS


@pytest.mark.slow
def test_posterior_from_the_command_line(data_dir: Path, tmp_path: Path) -> None:
    """Means within 0.25 posterior sd, sds within 15 %. About 3 minutes on 2 cores."""
    fit = tmp_path / "oak203.fit"
    model = MODELS / "oak203-stein-fojo.toml"
    command = [sys.executable, "-m", "metachron.cli"]
    settings = ["--chains", "2", "--warmup", "1000", "--draws", "4000", "--seed", "7"]
    subprocess.run([*command, "fit", "oak203", "--model", str(model), *settings, "--out", str(fit)], check=True)
    printed = subprocess.run([*command, "summary", str(fit), "--json"], check=True, capture_output=True, text=True)
    parameters = json.loads(printed.stdout)["parameters"]
    for name, mean, sd in pl.read_csv(HERE / "reference" / "oak203_stan.csv").iter_rows():
        found = parameters[name]
        assert found["ess_bulk"] > 400, f"{name}: too few draws to compare sds within 15 %"
        assert abs(found["mean"] - mean) < 0.25 * found["sd"], name
        if sd is not None:
            assert found["sd"] == pytest.approx(sd, rel=0.15), name
