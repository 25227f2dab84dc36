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


def show_durable(fit: Fit) -> None:
    """Print how many patients of each arm are likely to be durable responders."""
    from metachron.inference.predict import LIKELY, UNLIKELY, durable_by_arm, durable_probability

    say("\ndurable responders, by the data of each patient:")
    for row in durable_by_arm(durable_probability(fit)).iter_rows(named=True):
        say(
            f"{row['arm']}: {row['expected']:.1f} expected among {row['patients']}; {row['likely']} with a probability "
            f"of {LIKELY:g} or more, {row['unlikely']} with {UNLIKELY:g} or less"
        )
