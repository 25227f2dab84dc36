"""Progress of chains: a few lines in a log, bars on a terminal."""

from __future__ import annotations

import io
import re

from rich.console import Console

from metachron.cli.progress import chain_progress
from metachron.inference import ChainProgress


def report(chain: int, done: int, *, warming_up: bool, divergences: int = 0) -> ChainProgress:
    return ChainProgress(chain, done, 400, warming_up, divergences, 15.4)


def test_a_log_gets_a_line_per_tenth_and_phase() -> None:
    console = Console(file=io.StringIO(), width=200)
    with chain_progress(2, console) as tell:
        for done in range(10, 401, 10):
            tell(report(0, done, warming_up=done <= 50, divergences=int(done > 300)))
        tell(report(1, 25, warming_up=True))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    steps = [int(re.findall(r"(\d+) of 400", line)[0]) for line in lines]
    assert steps == [10, 40, 60, 80, 120, 160, 200, 240, 280, 320, 360, 400, 25]
    assert lines[1] == "chain 1: warm-up, 40 of 400 steps, 15 leapfrogs a step, 0 divergences"
    assert lines[2] == "chain 1: sampling, 60 of 400 steps, 15 leapfrogs a step, 0 divergences"
    assert lines[-2] == "chain 1: done, 400 of 400 steps, 15 leapfrogs a step, 1 divergence"
    assert lines[-1] == "chain 2: warm-up, 25 of 400 steps, 15 leapfrogs a step, 0 divergences"


def test_a_terminal_gets_a_bar_per_chain() -> None:
    console = Console(file=io.StringIO(), width=150, force_terminal=True)
    with chain_progress(2, console) as tell:
        tell(report(0, 400, warming_up=False, divergences=2))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())  # type: ignore[attr-defined]
    assert re.search(r"chain 1 +done +\S+ +400/400 +15 leapfrogs a step, 2 divergences", shown)
    assert "chain 2 compiling or waiting" in shown
