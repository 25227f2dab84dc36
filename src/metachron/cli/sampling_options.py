"""How the command line asks for draws: the options that every command that fits a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from metachron.inference import FitSettings


@Parameter(name="*", group="Sampling")
@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """Engine, chains, steps and seed."""

    engine: Annotated[str, Parameter(help="auto, marginal (patient effects integrated out) or nuts (all sampled).")] = (
        "auto"
    )
    chains: Annotated[int, Parameter(help="Independent chains.")] = 4
    warmup: Annotated[int | None, Parameter(help="Adaptation steps of each chain: 300 marginal, 1000 nuts.")] = None
    draws: Annotated[int, Parameter(help="Draws kept of each chain.")] = 1000
    seed: Annotated[int, Parameter(help="The same seed gives the same draws.")] = 1
    target_acceptance: Annotated[
        float | None,
        Parameter(help="Mean acceptance aimed at; 0.95 where steps diverge. [default: 0.8, with a durable class 0.99]"),
    ] = None

    def settings(self) -> FitSettings:
        """Return them as the library takes them.

        Raises
        ------
        ModelError
            When the engine is unknown or a number is out of range.
        """
        from metachron.inference import FitSettings

        return FitSettings(**vars(self))
