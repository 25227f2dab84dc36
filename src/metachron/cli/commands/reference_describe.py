"""``metachron reference describe NAME``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from metachron.cli.console import say


def describe_reference(name: Annotated[str, Parameter(help="Name in `metachron reference list`.")], /) -> None:
    """Print the card of a reference posterior: who is in it, what it is for, and what it cannot tell."""
    from metachron.reference import load_reference

    card = load_reference(name).card
    say(f"{card.name}: {card.title}\n")
    for what, text in (("data", card.data), ("citation", card.citation), ("licence", card.licence), ("who", card.who),
                       ("use", card.use)):  # fmt: skip
        say(f"{what}: {text}")
    say("what it cannot tell:")
    for sentence in card.cannot_tell:
        say(f"  {sentence}")
    if card.covariates:
        say("covariates of the table patients (an empty one is averaged over):")
    for column, meaning in card.covariates.items():
        say(f"  {column}: {meaning}")
    for part, found in card.record.items():
        say(
            f"{part}: {found['model']}; {found['patients']} patients, {found['draws']} draws, R-hat at most "
            f"{found['max_rhat']}, ESS at least {min(found['min_ess_bulk'], found['min_ess_tail']):.0f}, integrals "
            f"{found['integrals']}"
        )
