"""A Stan chain as a process of its own: orders go in, draws come out, CPU time and memory are read at its end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.memory import peak_mib
from benchmarks.stan_build import Program
from metachron.base import MetachronError


class StanChain:
    """One running chain; `stan/chain.cpp` lists the orders it takes.

    Parameters
    ----------
    program : from `stan_build.build`.
    data : JSON file of the data block.
    folder : where vectors and draws are exchanged.
    """

    def __init__(self, program: Program, data: Path, folder: Path, *, seed: int, index: int) -> None:
        self._folder = folder / f"chain{index}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = self._folder / "draws.bin"
        self._file.unlink(missing_ok=True)
        command = [str(program.path), str(data), str(seed), str(index)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, order: str) -> None:
        """Send an order without waiting for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()

    def answer(self) -> list[float]:
        """Wait for the answer to an order and return it.

        Raises
        ------
        MetachronError
            When the chain has ended; what it had to say went to standard error.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MetachronError(f"a Stan chain ended with status {self._process.wait()}; its message is above")
        return [float(word) for word in line.split()]

    def density(self, vectors: np.ndarray) -> np.ndarray:
        """Return the log density, up to a constant, at unconstrained vectors (vector, free)."""
        self.send(f"density {self._write('points.bin', vectors)}")
        return np.asarray(self.answer())

    def start(self, vector: np.ndarray) -> None:
        """Set where the chain begins."""
        self.send(f"start {self._write('start.bin', vector)}")
        self.answer()

    def order_draws(self, count: int, columns: int) -> None:
        """Order draws; `answer` waits for them, `draws` reads them."""
        self.send(f"draws {count} {columns} {self._file}")

    def draws(self, columns: int) -> np.ndarray:
        """Return the first unconstrained parameters of all draws so far, (draw, column)."""
        return np.fromfile(self._file).reshape(-1, columns)

    def end(self) -> tuple[float, float]:
        """End the chain; return its CPU seconds and its peak memory in MiB."""
        assert self._process.stdin is not None
        memory = peak_mib(self._process.pid)
        self._process.stdin.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime, memory

    def _write(self, name: str, values: np.ndarray) -> Path:
        path = self._folder / name
        np.ascontiguousarray(values, dtype=float).tofile(path)
        return path
