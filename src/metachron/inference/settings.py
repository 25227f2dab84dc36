"""How long and how carefully NUTS samples."""

from __future__ import annotations

from dataclasses import dataclass

from metachron.base import ModelError


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
