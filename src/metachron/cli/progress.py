"""How the chains are doing: bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metachron.cli.console import stderr

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

    from metachron.inference import ChainProgress
    from metachron.inference.chains import Progress

_PARTS = 10


@contextmanager
def chain_progress(chains: int, console: Console | None = None) -> Iterator[Progress]:
    """Yield a function that shows the progress of chains on ``console``, stderr unless given."""
    console = console or stderr()
    if not console.is_terminal:
        yield _lines(console)
        return
    with _bars(console) as bars:
        for index in range(chains):
            bars.add_task(f"chain {index + 1}", total=None, phase="compiling or waiting", told="")
        yield lambda progress: _advance(bars, progress)


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        TextColumn("{task.fields[phase]}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
        console=console,
    )


def _advance(bars: Bars, progress: ChainProgress) -> None:
    bars.update(
        bars.task_ids[progress.chain],
        completed=progress.done,
        total=progress.total,
        phase=_phase(progress),
        told=_told(progress),
    )


def _lines(console: Console) -> Progress:
    """Return a function that prints a line when a chain changes phase or has done another tenth."""
    reached: dict[int, tuple[str, int]] = {}

    def tell(progress: ChainProgress) -> None:
        here = (_phase(progress), _PARTS * progress.done // progress.total)
        if reached.get(progress.chain) != here:
            reached[progress.chain] = here
            steps = f"{progress.done} of {progress.total} steps"
            console.print(f"chain {progress.chain + 1}: {here[0]}, {steps}, {_told(progress)}", soft_wrap=True)

    return tell


def _phase(progress: ChainProgress) -> str:
    if progress.done >= progress.total:
        return "done"
    return "warm-up" if progress.warming_up else "sampling"


def _told(progress: ChainProgress) -> str:
    divergent = f"{progress.divergences} divergence{'' if progress.divergences == 1 else 's'}"
    return f"{progress.mean_steps:.0f} leapfrogs a step, {divergent}"
