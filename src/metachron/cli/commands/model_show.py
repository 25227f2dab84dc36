"""``metachron model show``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import Mapping
from metachron.cli.console import note, say
from metachron.cli.model_options import ModelOptions, build_model

_DEFAULTS = ModelOptions()


def show_model(
    cohort: Annotated[
        str | None, Parameter(help="Folder or public data set: check also that the model fits this cohort.")
    ] = None,
    /,
    *,
    mapping: Mapping = None,
    options: ModelOptions = _DEFAULTS,
) -> None:
    """Show the resolved model file: every choice and every prior, ready to be saved and edited.

    metachron model show --dynamics gsf --link log-growth > model.toml
    """
    from metachron.cohort.read import load

    patients = None if cohort is None else load(cohort, mapping=mapping)
    model = build_model(options)
    if patients is not None:
        binding = model.bind(patients)
        count = sum(site.free_size for site in model.sites(binding.dims))
        note(f"fits {patients.name}: {len(binding.labels.patients)} patients, {count} population parameters")
    say(model.to_toml().rstrip())
