"""The models that ``metachron compare`` is to try: every combination of the laws, hazards, links and files named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from metachron.base import ModelError
from metachron.cli.model_options import (
    NONE,
    Covariance,
    Covariates,
    DynamicsCovariates,
    Event,
    LimitMm,
    ModelOptions,
    Size,
    build_model,
    split_names,
)

if TYPE_CHECKING:
    from metachron.joint import Candidate, JointModel

_NAMES = "(`metachron model list` names them); repeatable or with commas"


@Parameter(name="*", group="Models")
@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """What varies from model to model: files, laws, hazards, links, observation laws. The rest is common to all."""

    model: Annotated[
        list[Path] | None, Parameter(help="Model files (TOML); repeatable. Options below override what each says.")
    ] = None
    dynamics: Annotated[list[str] | None, Parameter(help=f"Tumour laws {_NAMES}.")] = None
    hazard: Annotated[list[str] | None, Parameter(help=f"Baseline hazards {_NAMES}.")] = None
    link: Annotated[
        list[str] | None,
        Parameter(help=f"Links {_NAMES}; each is a model of its own, a+b has both; 'none' for no link."),
    ] = None
    observation: Annotated[list[str] | None, Parameter(help=f"Observation laws {_NAMES}.")] = None
    size: Size = None
    covariance: Covariance = None
    limit_mm: LimitMm = None
    dynamics_covariate: DynamicsCovariates = None
    event: Event = None
    covariate: Covariates = None


_AXES = ("model", "dynamics", "hazard", "link", "observation")


def build_grid(options: GridOptions) -> tuple[Candidate, ...]:
    """Return every combination that the options name, as candidates.

    Raises
    ------
    ModelError
        When a name is unknown, named twice, or a file is not a model.
    """
    from metachron.joint import model_grid

    given = {name: value for name, value in vars(options).items() if value is not None}
    common = ModelOptions(**{name: value for name, value in given.items() if name not in _AXES})

    def build(**chosen: Any) -> JointModel:
        return build_model(replace(common, **chosen))

    return model_grid(build, {name: _values(name, given[name]) for name in _AXES if name in given})


def _values(axis: str, given: Sequence[Any]) -> dict[str, Any]:
    """Return the values of an axis by the name that stands in the name of a model."""
    if axis == "model":
        files = {path.stem: path for path in given}
        if len(files) < len(given):
            raise ModelError("--model: files of one name cannot be told apart in the table; rename one of them")
        return files
    names = split_names(given)
    if axis != "link":
        return {name: name for name in names}
    return {"no link" if name == NONE else name: name.split("+") for name in names}
