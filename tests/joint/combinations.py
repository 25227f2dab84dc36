"""Combinations of everything registered: which are supported, and a small set that covers all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from metachron.dynamics import LAWS, provides
from metachron.hazards import HAZARDS
from metachron.joint import LINKS, OBSERVATIONS, JointModel, compose

NONE = "none"
CONSTANT = (NONE, *(name for name, link in LINKS.items() if link.constant))
MOVING = (NONE, *(name for name, link in LINKS.items() if not link.constant))


class Combination(NamedTuple):
    """One choice of everything; a model may carry a link that is constant in time and one that moves."""

    law: str
    hazard: str
    observation: str
    constant: str
    moving: str

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(name for name in (self.constant, self.moving) if name != NONE)

    def compose(self) -> JointModel:
        return compose(dynamics=self.law, hazard=self.hazard, observation=self.observation, links=self.links)

    def __str__(self) -> str:
        return "+".join(self)


def supports_link(law: str, link: str) -> bool:
    """Whether a law gives what a link needs, every parameter being random."""
    return link == NONE or LINKS[link].needs <= provides(LAWS[law]) | {"effects"}


def supports_observation(law: str, observation: str) -> bool:
    """Whether an observation law can follow a tumour law."""
    return LAWS[law].scale.positive or not OBSERVATIONS[observation].needs_positive_size


def supported() -> Iterator[Combination]:
    """Yield every supported combination, in a fixed order."""
    for choice in product(LAWS, HAZARDS, OBSERVATIONS, CONSTANT, MOVING):
        one = Combination(*choice)
        if supports_observation(one.law, one.observation) and all(supports_link(one.law, link) for link in one.links):
            yield one


def pairs(one: Combination) -> list[tuple[int, str, int, str]]:
    """Return all pairs of choices in a combination, each choice with the factor it belongs to."""
    return [(i, one[i], j, one[j]) for i, j in combinations(range(len(one)), 2)]


def covering_pairs() -> list[Combination]:
    """Return combinations in which every supported pair of choices stands together at least once.

    Greedy: the combination with most pairs not yet covered, the first of equals; no chance is involved.
    """
    every = list(supported())
    number: dict[tuple[int, str, int, str], int] = {}
    table = np.array([[number.setdefault(pair, len(number)) for pair in pairs(one)] for one in every])
    open_ = np.ones(len(number), dtype=bool)
    chosen = []
    while open_.any():
        best = int(open_[table].sum(axis=1).argmax())
        open_[table[best]] = False
        chosen.append(every[best])
    return chosen
