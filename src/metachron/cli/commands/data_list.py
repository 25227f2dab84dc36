"""``metachron data list``."""

from __future__ import annotations

from metachron.cli.console import show_table


def list_data() -> None:
    """Show the public data sets that can be named in place of a folder."""
    from metachron.cohort.datasets import list_datasets

    show_table(list_datasets().select("name", "patients", "measurements", "title"))
