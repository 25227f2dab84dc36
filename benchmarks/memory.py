"""How much memory a process has had at most."""

from __future__ import annotations

from pathlib import Path

from metachron.base import MetachronError


def peak_mib(process: int) -> float:
    """Return the most memory that a running process has held resident, in MiB.

    The kernel's own high-water mark is read, since the one that `getrusage` gives begins with what the parent held.

    Raises
    ------
    MetachronError
        When the system does not say (it takes Linux).
    """
    status = Path("/proc") / str(process) / "status"
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    raise MetachronError(f"{status} does not tell the peak memory of process {process}; the benchmarks need Linux")
