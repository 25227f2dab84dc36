"""Grids of models: every combination, those that do not fit together told apart from errors."""

from __future__ import annotations

import pytest

from metachron.base import ModelError
from metachron.joint import Candidate, compose, model_grid
from metachron.joint.grid import as_candidates


def test_every_combination_is_a_candidate_the_last_choice_varying_fastest() -> None:
    links = {"no link": (), "growth": ("log-growth",)}
    grid = model_grid(compose, {"dynamics": ["gsf", "stein-fojo"], "links": links})
    assert [one.name for one in grid] == ["gsf, no link", "gsf, growth", "stein-fojo, no link", "stein-fojo, growth"]
    assert grid[1].model == compose(dynamics="gsf", links=["log-growth"])
    assert all(one.reason == "" for one in grid)


def test_parts_that_do_not_fit_are_candidates_without_a_model() -> None:
    grid = model_grid(
        compose,
        {"dynamics": ["random-slope", "gsf"], "observation": ["proportional"], "links": {"growth": ["log-growth"]}},
    )
    assert [one.model is None for one in grid] == [True, False]
    assert "needs sizes above 0 mm" in grid[0].reason
    lines = model_grid(compose, {"dynamics": ["random-slope-log"], "links": {"growth": ["log-growth"]}})
    assert "the link 'log-growth' needs growth, which the law 'random-slope-log' does not provide" in lines[0].reason
    without = model_grid(compose, {"dynamics": [None], "links": {"slope": ["slope"]}})
    assert "needs tumour dynamics" in without[0].reason


def test_what_is_wrong_by_itself_is_an_error() -> None:
    with pytest.raises(ModelError, match="no tumour law called 'stein-foyo'"):
        model_grid(compose, {"dynamics": ["stein-foyo", "gsf"]})


def test_candidates_have_names_of_their_own() -> None:
    model = compose()
    assert as_candidates({"a": model}) == (Candidate("a", model),)
    with pytest.raises(ModelError, match="same name: a"):
        as_candidates([Candidate("a", model), Candidate("a", model)])
