"""The model that the command line asks for: a model file, shortcuts for it, or both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from metachron.base import ModelError, list_briefly

if TYPE_CHECKING:
    from metachron.joint import DurablePart, DynamicsPart, HazardPart, JointModel, NewLesionPart

NONE = "none"
_ABOVE_0 = Number(gt=0)
_NAMES = "(`metachron model list` names them)"

Size = Annotated[
    Literal["sum", "lesion"] | None, Parameter(help="Sizes modelled as sum per patient, or lesion by lesion.")
]
Covariance = Annotated[
    Literal["independent", "full"] | None, Parameter(help="Of the patient effects of different parameters.")
]
LimitMm = Annotated[
    float | None,
    Parameter(
        help="Size in mm below which a tumour is too small to measure. Without: the cohort's.", validator=_ABOVE_0
    ),
]
DynamicsCovariates = Annotated[
    list[str] | None,
    Parameter(help="PARAMETER=COLUMN[,COLUMN]: baseline columns that move a parameter of the law; repeatable."),
]
Event = Annotated[str | None, Parameter(help="Kind of event in the cohort. Without --model: death.")]
Covariates = Annotated[
    list[str] | None,
    Parameter(help="Baseline column of the hazard; repeatable or with commas; 'none' for no covariate."),
]


@Parameter(name="*", group="Model")
@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """A model file and the shortcuts that override it; what is None is left as it is."""

    model: Annotated[Path | None, Parameter(help="Model file (TOML); options below override what it says.")] = None
    dynamics: Annotated[
        str | None,
        Parameter(help=f"Tumour law {_NAMES}; 'none' leaves tumour dynamics out. Without --model: stein-fojo."),
    ] = None
    observation: Annotated[str | None, Parameter(help="How measured sizes scatter about the law.")] = None
    size: Size = None
    covariance: Covariance = None
    limit_mm: LimitMm = None
    dynamics_covariate: DynamicsCovariates = None
    hazard: Annotated[
        str | None, Parameter(help=f"Baseline hazard {_NAMES}; 'none' leaves the event out. Without --model: weibull.")
    ] = None
    event: Event = None
    link: Annotated[
        list[str] | None,
        Parameter(help=f"Link from dynamics to hazard {_NAMES}; repeatable or with commas; 'none' for no link."),
    ] = None
    covariate: Covariates = None
    new_lesions: Annotated[
        str | None,
        Parameter(
            help=f"Baseline rate of new lesions {_NAMES}; 'none' leaves them out. Without --model: none. "
            "--link new-lesion-frailty ties death to them."
        ),
    ] = None
    new_lesion_link: Annotated[
        list[str] | None, Parameter(help="Link from dynamics to the rate of new lesions, as --link.")
    ] = None
    new_lesion_covariate: Annotated[
        list[str] | None, Parameter(help="Baseline column of the rate of new lesions, as --covariate.")
    ] = None
    new_lesion_clock: Annotated[
        Literal["calendar", "gap"] | None,
        Parameter(
            help="What the baseline rate counts from: day 0, lesions appearing between visits, or the last detection."
        ),
    ] = None

    durable: Annotated[
        bool | None,
        Parameter(help="A class of durable responders, whose tumour does not grow again; --no-durable leaves it out."),
    ] = None
    durable_covariate: Annotated[
        list[str] | None,
        Parameter(
            help="Baseline column of the probability of a durable response, as --covariate; arm:pdl1 is an interaction."
        ),
    ] = None

    def given(self, *names: str) -> list[str]:
        """Return which of the named options were given, as the user writes them."""
        return [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None]


_OF_DYNAMICS = ("observation", "size", "covariance", "limit_mm", "dynamics_covariate")
_OF_HAZARD = ("event", "link", "covariate")
_OF_NEW_LESIONS = ("new_lesion_link", "new_lesion_covariate", "new_lesion_clock")


def build_model(options: ModelOptions) -> JointModel:
    """Return the model of the file, or the default one, with everything exchanged that the other options name.

    Raises
    ------
    ModelError
        When the file is not a model, a name is unknown, an option concerns a part that is left out, or the parts do
        not fit together.
    """
    from metachron.joint import JointModel, compose

    base = JointModel.read(options.model) if options.model else compose()
    return replace(
        base,
        dynamics=_dynamics(base.dynamics, options),
        hazard=_hazard(base.hazard, options),
        new_lesions=_new_lesions(base.new_lesions, options),
        durable=_durable(base.durable, options),
    )


def _dynamics(part: DynamicsPart | None, options: ModelOptions) -> DynamicsPart | None:
    from metachron.joint.defaults import exchange_law, exchange_observation, exchange_size, with_covariates

    if options.dynamics == NONE:
        part = None
    elif options.dynamics is not None:
        part = exchange_law(part, options.dynamics)
    if part is None:
        _refuse_given(options.given(*_OF_DYNAMICS), "--dynamics none, or the model file has no [dynamics]")
        return None
    if options.observation is not None:
        part = exchange_observation(part, options.observation)
    if options.size is not None:
        part = exchange_size(part, options.size)
    if options.covariance is not None:
        part = replace(part, covariance=options.covariance)
    if options.limit_mm is not None:
        part = replace(part, limit_mm=options.limit_mm, limit_working=None)
    names = {parameter.label: parameter.name for parameter in part.parameters}
    return with_covariates(part, _by_parameter(options.dynamics_covariate or (), names))


def _hazard(part: HazardPart | None, options: ModelOptions) -> HazardPart | None:
    from metachron.joint.defaults import exchange_hazard, exchange_links

    if options.hazard == NONE:
        part = None
    elif options.hazard is not None:
        part = exchange_hazard(part, options.hazard)
    if part is None:
        _refuse_given(options.given(*_OF_HAZARD), "--hazard none, or the model file has no [hazard]")
        return None
    if options.event is not None:
        part = replace(part, event=options.event)
    if options.covariate is not None:
        part = replace(part, covariates=_names(options.covariate))
    return part if options.link is None else exchange_links(part, _names(options.link))


def _new_lesions(part: NewLesionPart | None, options: ModelOptions) -> NewLesionPart | None:
    from metachron.joint.defaults import default_new_lesions, default_timing, exchange_hazard, exchange_links

    clock = options.new_lesion_clock
    if options.new_lesions == NONE:
        part = None
    elif options.new_lesions is not None and part is not None:
        part = replace(part, hazard=exchange_hazard(part.hazard, options.new_lesions))
    elif options.new_lesions is not None:
        part = default_new_lesions(options.new_lesions, clock or "calendar")
    if part is None:
        _refuse_given(options.given(*_OF_NEW_LESIONS), "give --new-lesions, or [new_lesions] in the model file")
        return None
    if clock is not None and clock != part.clock:
        part = replace(part, clock=clock, timing=default_timing(clock))
    if options.new_lesion_covariate is not None:
        part = replace(part, hazard=replace(part.hazard, covariates=_names(options.new_lesion_covariate)))
    if options.new_lesion_link is not None:
        part = replace(part, hazard=exchange_links(part.hazard, _names(options.new_lesion_link)))
    return part


def _durable(part: DurablePart | None, options: ModelOptions) -> DurablePart | None:
    from metachron.joint import DurablePart

    if options.durable is not None:
        part = (part or DurablePart()) if options.durable else None
    if part is None:
        _refuse_given(options.given("durable_covariate"), "give --durable, or [durable] in the model file")
        return None
    if options.durable_covariate is None:
        return part
    return replace(part, covariates=_names(options.durable_covariate))


def _refuse_given(options: list[str], left_out: str) -> None:
    """Raise `ModelError` when options are given for a part that is left out."""
    if options:
        raise ModelError(f"{', '.join(options)}: this part of the model is left out ({left_out}); take one away")


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """Return the names in a repeated option, split at commas; `ModelError` where one stands twice."""
    names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ModelError(f"{list_briefly(twice)} named more than once; name it once")
    return names


def _names(values: Iterable[str]) -> tuple[str, ...]:
    """Return the names in a repeated option, split at commas; ``none`` alone is no name."""
    names = split_names(values)
    return () if names == (NONE,) else names


def _by_parameter(values: Iterable[str], names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return columns by parameter from texts PARAMETER=COLUMN[,COLUMN]; ``names`` are those of labels."""
    columns: dict[str, list[str]] = {}
    for value in values:
        parameter, _, named = (word.strip() for word in value.partition("="))
        if not (parameter and named):
            raise ModelError(
                f"--dynamics-covariate {value!r}: expected PARAMETER=COLUMN[,COLUMN], "
                "e.g. --dynamics-covariate growth_per_year=ecog"
            )
        columns.setdefault(names.get(parameter, parameter), []).append(named)
    return {parameter: _names(named) for parameter, named in columns.items()}
