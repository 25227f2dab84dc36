"""Compiled models are kept where the user says, and a cache that cannot be written does no harm."""

from __future__ import annotations

from pathlib import Path

import jax
import pooch
import pytest

from metachron.cli.compilation_cache import CACHE_VARIABLE, WORTH_KEEPING_SECONDS, cache_folder, keep_compiled_models


def test_the_user_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path / "jax"


def test_otherwise_it_is_the_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_folder() == Path(pooch.os_cache("metachron")) / "jax"


def test_jax_is_told(own_cache: Path) -> None:
    keep_compiled_models()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == WORTH_KEEPING_SECONDS
    assert jax.config.jax_compilation_cache_dir == str(own_cache / "jax")
    assert (own_cache / "jax").is_dir()


def test_a_folder_that_cannot_be_made_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    keep_compiled_models()
    assert jax.config.jax_compilation_cache_dir == before
