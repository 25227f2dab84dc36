"""Compiled programs are dropped before a process holds more of them than the system lets it."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from metachron.inference import programs

PROGRAMS = 40


def _compile() -> None:
    for k in range(PROGRAMS):
        jax.jit(lambda x, k=k: jnp.sum(x) + k)(jnp.ones(3 + k)).block_until_ready()


@pytest.mark.skipif(not programs._MAPS.exists(), reason="needs the list of memory maps that Linux keeps")
def test_programs_are_dropped_beyond_the_share_and_only_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = tmp_path / "max_map_count"
    monkeypatch.setattr(programs, "_MOST", most)
    _compile()
    before = len(programs._MAPS.read_text().splitlines())
    most.write_text(str(10 * before))
    assert not programs.release_programs()
    most.write_text(str(before))
    assert programs.release_programs()
    assert len(programs._MAPS.read_text().splitlines()) < before - PROGRAMS


def test_a_system_without_such_a_limit_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_MAPS", tmp_path / "none")
    assert not programs.release_programs()
