"""Shared fixtures: 64-bit arithmetic, a cache of compiled programs, and where the public data lie."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metachron.cli.compilation_cache import CACHE_VARIABLE, WORTH_KEEPING_SECONDS, cache_folder

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault(CACHE_VARIABLE, str(ROOT / ".cache"))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder()))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", str(WORTH_KEEPING_SECONDS))
os.environ.setdefault("METACHRON_DATA", str(ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public data; a test that needs it is skipped, with the reason, where it is absent."""
    folder = Path(os.environ["METACHRON_DATA"])
    if not folder.is_dir():
        pytest.skip(f"needs the public data files; METACHRON_DATA = {folder} is not a folder")
    return folder


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module", autouse=True)
def room_for_programs() -> None:
    """Drop compiled programs before there are more of them than a process can hold."""
    if "jax" not in sys.modules:
        return
    from metachron.inference.programs import release_programs

    release_programs()
