"""A fit on the terminal: the population table and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metachron.cli.console import say, show_table

if TYPE_CHECKING:
    from metachron.inference import Fit


def show_fit(fit: Fit) -> None:
    """Print the population parameters of a fit and whether it can be trusted."""
    show_parameters(fit)
    say(f"\n{fit.verdict}")
    if reason := fit.provenance.get("engine_reason"):
        say(f"engine: {fit.provenance['engine']} ({reason})")


def show_parameters(fit: Fit) -> None:
    """Print the population parameters of a fit."""
    show_table(fit.summary().drop("mcse_mean"))
