"""Compiled programs, before there are too many of them for one process."""

from __future__ import annotations

import gc
from pathlib import Path

_MAPS, _MOST = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
SHARE = 0.5
"""Of the memory maps that the system allows a process: beyond it programs are dropped."""


def release_programs() -> bool:
    """Drop compiled programs when they take half of the memory maps that Linux allows a process; return whether.

    Each takes three maps or more, and the compiler crashes without a message where none is left: after some thousand
    programs, which a long session over many models comes to. Those needed again come from the compilation cache.
    """
    try:
        with _MAPS.open("rb") as lines:
            taken = sum(1 for _ in lines)
        most = int(_MOST.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no Linux: no such limit is known
        return False
    if taken < SHARE * most:
        return False
    import jax

    jax.clear_caches()
    gc.collect()
    return True
