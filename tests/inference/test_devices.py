"""Several devices by configuration only: the same draws, chain by chain, wherever they are computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
import sys
import jax
import numpy as np
from metachron.inference import fit
from metachron.joint.demo_trial import demo_model, two_arm_trial

result = fit(demo_model(), two_arm_trial(patients_per_arm=10), engine=sys.argv[1], chains=2, warmup=50, draws=25,
             check=False)
np.savez(sys.argv[2], devices=len(jax.devices()), draws=result.posterior["log_growth_per_year.mean"].to_numpy())
"""


def draws_on(devices: int, engine: str, folder: Path) -> np.ndarray:
    """Return draws made in a process that sees so many CPU devices."""
    out = folder / f"{devices}.npz"
    environment = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    subprocess.run([sys.executable, "-c", SCRIPT, engine, str(out)], check=True, env=environment, timeout=600)
    with np.load(out) as found:
        assert found["devices"] == devices
        return found["draws"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["marginal", "nuts"])
def test_chains_on_two_devices_draw_the_same(engine: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(draws_on(1, engine, tmp_path), draws_on(2, engine, tmp_path))
