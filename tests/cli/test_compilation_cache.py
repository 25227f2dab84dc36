"""Compiled models are kept where the user says, and a cache that cannot be written does no harm."""

from __future__ import annotations

from pathlib import Path

import jax
import pooch
import pytest
from jax.experimental.compilation_cache import compilation_cache

from metachron.cli.compilation_cache import CACHE_VARIABLE, WORTH_KEEPING_SECONDS, cache_folder, keep_compiled_models


def test_the_user_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path / "jax"


def test_otherwise_it_is_the_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_folder() == Path(pooch.os_cache("metachron")) / "jax"


def test_jax_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "new"))
    keep_compiled_models()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == WORTH_KEEPING_SECONDS
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "new" / "jax")
    jax.block_until_ready(jax.jit(lambda x: jax.numpy.cumsum(jax.numpy.sin(x)))(jax.numpy.arange(7.0)))
    jax.config.update("jax_compilation_cache_dir", before)
    compilation_cache.reset_cache()
    assert list((tmp_path / "new" / "jax").glob("jit_*"))


def test_a_folder_that_cannot_be_made_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    keep_compiled_models()
    assert jax.config.jax_compilation_cache_dir == before
