"""``metachron data describe NAME``."""

from __future__ import annotations

from metachron.cli.arguments import DataSetName
from metachron.cli.console import say


def describe_dataset(name: DataSetName, /) -> None:
    """Show what a public data set holds, its warnings, accepted exceptions, unused rows, licence and citation."""
    from metachron.cohort.datasets import DATASETS

    say(DATASETS[name].describe())
