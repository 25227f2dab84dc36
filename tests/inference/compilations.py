"""How many functions JAX compiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax
from jax.experimental.compilation_cache import compilation_cache

_COMPILE = "/jax/core/compile/backend_compile_duration"


@contextmanager
def counted_compilations() -> Iterator[list[str]]:
    """Collect an entry per compilation; programs kept from other tests are compiled anew meanwhile."""
    seen: list[str] = []

    def listen(event: str, duration: float, **_: object) -> None:
        if event == _COMPILE:
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    _keep_programs(False)
    try:
        yield seen
    finally:
        _keep_programs(True)
        jax.monitoring.unregister_event_duration_listener(listen)


def _keep_programs(keep: bool) -> None:
    jax.config.update("jax_enable_compilation_cache", keep)
    compilation_cache.reset_cache()
