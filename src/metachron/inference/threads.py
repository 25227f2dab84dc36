"""One thread for each operation, where chains run side by side."""

from __future__ import annotations

import os

_VARIABLE = "NPROC"
"""What XLA reads, when its client for the CPU starts, as the number of threads of one operation."""


def one_thread_per_operation() -> None:
    """Start JAX's client for the CPU with one thread for each operation, unless it runs already.

    A chain's operations are short, and chains run side by side, one thread each: shared among threads, operations of
    two chains wait for each other. A number of threads that the user has set stays as it is.
    """
    if _VARIABLE in os.environ:
        return
    import jax

    os.environ[_VARIABLE] = "1"
    try:
        jax.local_devices()
    finally:
        del os.environ[_VARIABLE]
