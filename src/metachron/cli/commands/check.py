"""``metachron check COHORT``."""

from __future__ import annotations

from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.console import say


def check(cohort: CohortName, /, *, mapping: Mapping = None) -> None:
    """Check the tables of a cohort: say what they hold, or list every problem with its remedy."""
    from metachron.cohort.read import load

    say(f"{load(cohort, mapping=mapping).describe()}\n\nno problems")
