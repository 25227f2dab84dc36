"""``metachron organs FIT [--reference ORGAN]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.console import say, show_json, show_table

if TYPE_CHECKING:
    import polars as pl

_SHOWN = (
    "organ", "arm", "lesions", "patients", "value_q50", "value_q05", "value_q95", "against_reference_q50",
    "against_reference_q05", "against_reference_q95", "probability_worse",
)  # fmt: skip


def organs(
    fit: FitPath,
    /,
    *,
    reference: Annotated[
        str | None, Parameter(help="Organ to compare with. [default: the one with the most lesions]")
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Show by organ how lesions responded, where progression came from, and where new lesions appeared.

    By the model: each parameter by organ, its ratio to a reference organ, and which organ does worse; how the effect of
    treatment depends on baseline covariates that it interacts with, as an organ's involvement (``metachron fit
    --covariate arm,involved_liver,arm:involved_liver``).

    metachron organs trial.fit --reference lymph_node
    """
    from metachron.inference import Fit
    from metachron.inference.predict import (
        effect_modifiers,
        has_organs,
        new_lesion_organs,
        organ_parameters,
        recorded_by_organ,
        variance_shares,
    )

    loaded = Fit.load(fit)
    new = new_lesion_organs(loaded, reference=reference)
    modifiers = effect_modifiers(loaded)
    recorded = recorded_by_organ(loaded)
    asked = has_organs(loaded) or (new.is_empty() and modifiers.is_empty() and recorded.is_empty())
    found = organ_parameters(loaded, reference=reference) if asked else None
    shares = variance_shares(loaded) if loaded.model.dynamics and loaded.model.dynamics.lesion else None
    if json:
        levels = [] if shares is None else shares.to_dicts()
        known = [] if found is None else found.to_dicts()
        tables = {"new_lesions": new.to_dicts(), "variance_shares": levels, "effect_modifiers": modifiers.to_dicts()}
        show_json({"organs": known, "recorded": recorded.to_dicts(), **tables})
        return
    if recorded.height:
        say("Recorded: lesions by arm and organ, patients by the organ of their first progression, and new lesions")
        show_table(recorded)
        say("")
    if found is not None:
        _show(found)
    if new.height:
        say(f"Share of the new lesions in each organ; beside it the ratio of rates against {new['reference'][0]}")
        show_table(new.drop("reference"))
        say("")
    for (modifier,), rows in modifiers.group_by("modifier", maintain_order=True):
        say(f"Effect of treatment by {modifier}, beside what goes through the tumour where a hazard has links to it:")
        show_table(rows.drop("modifier"))
        say("")
    if shares is not None:
        say("Share of the variance by level, arms and covariates not counted:")
        show_table(shares)


def _show(found: pl.DataFrame) -> None:
    by_quantity = found.group_by("quantity", "unit", "comparison", "reference", maintain_order=True)
    for (quantity, unit, compared, other), rows in by_quantity:
        say(f"{quantity}, {unit}; beside it the {compared} against {other}")
        show_table(rows.select(*_SHOWN))
        say("")
