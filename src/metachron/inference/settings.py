"""How long and how carefully NUTS samples."""

from __future__ import annotations

from dataclasses import dataclass

from metachron.base import ModelError

ENGINES = ("auto", "marginal", "nuts")


@dataclass(frozen=True)
class NutsSettings:
    """Settings of the NUTS engine.

    Parameters
    ----------
    chains, warmup, draws : number of chains, and steps of each before and after adaptation.
    seed : the same seed, cohort, model and settings give the same draws.
    target_acceptance : mean acceptance that the step size is tuned to; a higher one takes smaller steps and meets fewer
        divergences.

    Raises
    ------
    ModelError
        When a setting is out of range.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 1
    target_acceptance: float = 0.8

    def __post_init__(self) -> None:
        for name, least in (("chains", 1), ("warmup", 50), ("draws", 10)):
            if getattr(self, name) < least:
                raise ModelError(f"{name} must be at least {least}; found {getattr(self, name)}")
        if not 0.5 <= self.target_acceptance < 1:
            raise ModelError(f"target_acceptance must lie between 0.5 and 1; found {self.target_acceptance}")


WARMUP = {"marginal": 300, "nuts": NutsSettings.warmup}
"""Warm-up steps by engine where none are asked for: the marginal one starts in whitened coordinates at the maximum."""

ACCEPTANCE_OF_CLASSES = 0.99
"""Mean acceptance aimed at where NUTS samples effects of patients of whom it is open whether they are durable: their
growth is as wide as the prior in one class and as narrow as the data say in the other. At 0.8 a third of the steps
diverged in 60 patients, at 0.99 none, with more effective draws per second (tests/inference/test_durable.py)."""


@dataclass(frozen=True)
class FitSettings:
    """How fits are made, where one call makes several; `metachron.inference.fit` says what each means.

    Raises
    ------
    ModelError
        When the engine is unknown or a setting is out of range.
    """

    engine: str = "auto"
    chains: int = NutsSettings.chains
    warmup: int | None = None
    draws: int = NutsSettings.draws
    seed: int = NutsSettings.seed
    target_acceptance: float | None = None

    def __post_init__(self) -> None:
        refuse_unknown_engine(self.engine)
        warmup = NutsSettings.warmup if self.warmup is None else self.warmup
        acceptance = NutsSettings.target_acceptance if self.target_acceptance is None else self.target_acceptance
        NutsSettings(self.chains, warmup, self.draws, self.seed, acceptance)


def refuse_unknown_engine(name: str) -> None:
    """Raise `ModelError` unless there is an engine of this name."""
    if name not in ENGINES:
        raise ModelError(f"there is no engine {name!r}; known: {', '.join(ENGINES)}")
