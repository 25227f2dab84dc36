"""``metachron organs FIT [--reference ORGAN]``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.console import say, show_json, show_table

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
    """Show by organ how lesions respond: each parameter, its ratio to a reference organ, and which organ does worse.

    metachron organs trial.fit --reference lymph_node
    """
    from metachron.inference import Fit
    from metachron.inference.predict import organ_parameters, variance_shares

    loaded = Fit.load(fit)
    found = organ_parameters(loaded, reference=reference)
    shares = variance_shares(loaded) if loaded.model.dynamics and loaded.model.dynamics.lesion else None
    if json:
        levels = [] if shares is None else shares.to_dicts()
        show_json({"organs": found.to_dicts(), "variance_shares": levels})
        return
    by_quantity = found.group_by("quantity", "unit", "comparison", "reference", maintain_order=True)
    for (quantity, unit, compared, other), rows in by_quantity:
        say(f"{quantity}, {unit}; beside it the {compared} against {other}")
        show_table(rows.select(*_SHOWN))
        say("")
    if shares is not None:
        say("Share of the variance by level, arms and covariates not counted:")
        show_table(shares)
