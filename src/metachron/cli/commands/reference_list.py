"""``metachron reference list``."""

from __future__ import annotations

from metachron.cli.console import show_table


def list_references() -> None:
    """List the reference posteriors that are shipped: fits of public trials to forecast from."""
    import polars as pl

    from metachron.reference import load_reference, reference_names

    references = [load_reference(name) for name in reference_names()]
    rows = [
        (each.card.name, each.card.title, ", ".join(each.arms), "yes" if each.card.linked else "no")
        for each in references
    ]
    show_table(pl.DataFrame(rows, schema=["name", "title", "options", "sizes linked to survival"], orient="row"))
