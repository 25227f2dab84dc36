"""Starting up: help is quick and imports nothing heavy, and so does the package itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest

import metachron
from metachron.cli.app import app

HEAVY = ("jax", "polars", "matplotlib", "numpy", "pandas", "xarray")
LOOP = "total = 0\nfor number in range(5_000_000): total += number"
HELP_LOOPS = 1.5
"""How long help may take, in such loops: half a second where a loop takes a third of one."""
COMMANDS = (
    "check", "compare", "criticise", "data", "demo", "export", "fit", "forecast", "forecast-trial", "model",
    "reference", "report", "score", "summary", "template", "two-stage",
)  # fmt: skip


def imported(code: str) -> set[str]:
    """Return which heavy packages a fresh interpreter holds after running the code."""
    probe = f"{code}\nimport sys; sys.stderr.write(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(filter(None, done.stderr.split(",")))


def test_the_package_is_light() -> None:
    assert imported("import metachron; metachron.__version__; dir(metachron)") == set()


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    assert imported(f"from metachron.cli import main\nmain({words!r})") == set()


def test_help_is_quick() -> None:
    """Processor time beside that of a plain loop, the best of three in turn: a slow or busy machine does not count."""

    def seconds(*words: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        after = os.times()
        return (after.children_user - before.children_user) + (after.children_system - before.children_system)

    pairs = [(seconds("-m", "metachron.cli", "--help"), seconds("-c", LOOP)) for _ in range(3)]
    assert min(of_help for of_help, _ in pairs) < HELP_LOOPS * min(of_loop for _, of_loop in pairs)


def test_help_names_every_command(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(f" {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: metachron {name}")


def test_version(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("--version")
    assert (code, out.strip()) == (0, version("metachron"))
    assert metachron.__version__ == version("metachron")


def test_completion_knows_options_of_lazily_loaded_parts() -> None:
    script = app.generate_completion(shell="bash")
    assert "--dynamics-covariate" in script


def test_every_public_name_is_found() -> None:
    for name in metachron.__all__:
        assert getattr(metachron, name) is not None
    assert set(metachron.__all__) <= set(dir(metachron))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="public names: Cohort, Fit"):
        _ = metachron.nonesuch  # type: ignore[attr-defined]
