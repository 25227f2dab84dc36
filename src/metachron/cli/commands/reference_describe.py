"""``metachron reference describe NAME``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from metachron.cli.console import say, show_table


def describe_reference(name: Annotated[str, Parameter(help="Name in `metachron reference list`.")], /) -> None:
    """Print the card of a reference posterior: who is in it, what it is for, and what it cannot tell."""
    from metachron.reference import beside_best, load_reference, skill_in_words

    found = load_reference(name)
    card = found.card
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
    for part, made in card.record.items():
        say(
            f"{part}: {made['model']}; {made['patients']} patients, {made['draws']} draws, R-hat at most "
            f"{made['max_rhat']}, ESS at least {min(made['min_ess_bulk'], made['min_ess_tail']):.0f}, integrals "
            f"{made['integrals']}"
        )
    say(f"measured skill: {skill_in_words(found.skill)}")
    if found.skill is not None:
        show_table(beside_best(found.skill))
