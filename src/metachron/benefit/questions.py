"""What is asked of every marker of a study."""

from __future__ import annotations

from dataclasses import dataclass, field

from metachron.benefit.comparison import Asked, Compared, Unrecorded
from metachron.benefit.interaction import Missing
from metachron.benefit.markers import Marker


@dataclass(frozen=True)
class Questions:
    """What is asked of every marker; as for `assess_marker`.

    Parameters
    ----------
    horizon_year : to which years lived are counted; None: the last whole month at which a tenth of every arm is at
        risk. Not used for a response.
    permutations, resamples, repeats, samples : of the screening, of the search for cut-offs, of cross-validation, and
        of the bootstrap that takes optimism off the model of all markers.
    """

    endpoint: str
    control: str
    treatment: str | None = None
    randomised: bool = False
    adjust: tuple[Marker | str, ...] = ()
    strata: tuple[str, ...] = ()
    unrecorded: Unrecorded = "non-responder"
    missing: Missing = field(default_factory=Missing)
    horizon_year: float | None = None
    level: float = 0.05
    permutations: int = 1000
    resamples: int = 2000
    repeats: int = 5
    samples: int = 200
    seed: int = 1

    @property
    def compared(self) -> Compared:
        """The arguments that say who is compared."""
        return Compared(
            endpoint=self.endpoint, control=self.control, treatment=self.treatment, adjust=self.adjust,
            strata=self.strata, unrecorded=self.unrecorded,
        )  # fmt: skip

    @property
    def asking(self) -> Asked:
        """The same, and whether patients were randomised."""
        return {**self.compared, "randomised": self.randomised}
