"""Every benchmark can be started: what it imports is there."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks

MODULES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__")


@pytest.mark.parametrize("module", MODULES)
def test_it_imports(module: str) -> None:
    importlib.import_module(f"benchmarks.{module}")
