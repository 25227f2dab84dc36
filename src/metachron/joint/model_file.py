"""A model is data: ``model.toml`` read into the parts of a model, and written back with every choice resolved."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from typing import Any

import tomli_w
from pydantic import ValidationError

from metachron.base import ModelError, Prior
from metachron.joint.defaults import (
    default_dynamics,
    default_hazard,
    default_link,
    default_new_lesions,
)
from metachron.joint.durable_part import DurablePart
from metachron.joint.dynamics_part import CORRELATION_PRIOR, DynamicsPart, ParameterModel
from metachron.joint.links import LINKS, Link
from metachron.joint.model_tables import (
    DurableTable,
    DynamicsTable,
    HazardTable,
    LinkTable,
    ModelFile,
    NewLesionTable,
    ParameterTable,
    PriorTable,
    ProcessTable,
)
from metachron.joint.parts import Covariate, ModelParts
from metachron.joint.process_parts import FRAILTY_PRIOR, HAZARD_COVARIATE_PRIOR, HazardPart, LinkTerm, NewLesionPart


def read_toml(text: str, file: str) -> ModelParts:
    """Return the parts of the model that the text of a model file describes.

    Raises
    ------
    ModelError
        When the text is not TOML, a key is unknown or of the wrong type (the message names it), or the parts do not
        fit together.
    """
    try:
        described = ModelFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"model file {file} is not valid TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"- {'.'.join(str(key) for key in e['loc'])}: {e['msg']} (found {e['input']!r})" for e in error.errors()
        ]
        raise ModelError("\n".join([f"model file {file} has {len(lines)} problem(s):", *lines])) from error
    try:
        parts = ModelParts(
            _dynamics(described.dynamics) if described.dynamics else None,
            _hazard(described.hazard) if described.hazard else None,
            tuple(Covariate(column, **table.model_dump()) for column, table in described.covariates.items()),
            name=described.name,
            new_lesions=_new_lesions(described.new_lesions) if described.new_lesions else None,
            durable=_durable(described.durable) if described.durable else None,
        )
        _known(described.covariates, parts.covariate_columns, "[covariates] describes what no part of the model names:")
        return parts
    except ModelError as error:
        raise ModelError(f"model file {file}: {error}") from error


def write_toml(model: ModelParts) -> str:
    """Return the model file that `read_toml` reads back as the same model; codings that nothing uses are left out."""
    document: dict[str, Any] = {"name": model.name}
    if model.dynamics is not None:
        document["dynamics"] = _dynamics_table(model.dynamics)
    if model.hazard is not None:
        document["hazard"] = _hazard_table(model.hazard)
    if model.new_lesions is not None:
        document["new_lesions"] = _new_lesion_table(model.new_lesions)
    if model.durable is not None:
        document["durable"] = _durable_table(model.durable)
    used = model.covariate_columns
    codings = {
        covariate.column: _present(
            kind=covariate.kind, reference=covariate.reference, centre=covariate.centre, per=covariate.per
        )
        for covariate in model.covariates
        if covariate.column in used
    }
    if codings:
        document["covariates"] = codings
    return tomli_w.dumps(document)


def _prior(table: PriorTable | None, otherwise: Prior, what: str) -> Prior:
    if table is None:
        return otherwise
    if len(table) != 1:
        raise ModelError(f"{what}: a prior is one family with its numbers, as {{ normal = [0.0, 1.0] }}")
    ((family, args),) = table.items()
    given = (family, tuple(float(arg) for arg in args))
    return otherwise if given == (otherwise.family, otherwise.args) else Prior(*given, "stated in the model file")


def _dynamics(table: DynamicsTable) -> DynamicsPart:
    part = default_dynamics(table.law, table.observation, size=table.size, covariance=table.covariance)
    names = [parameter.name for parameter in part.parameters]
    _known(table.parameters, names, f"law {table.law!r} has no parameter")
    residuals = [name for name, _ in part.residual_priors]
    _known(table.residual, residuals, f"observation law {part.observation.name!r} has no parameter")
    return replace(
        part,
        parameters=tuple(_parameter(p, table.parameters.get(p.name, ParameterTable())) for p in part.parameters),
        residual_priors=tuple(
            (name, _prior(table.residual.get(name), prior, f"residual.{name}")) for name, prior in part.residual_priors
        ),
        correlation_prior=_prior(table.correlation_prior, CORRELATION_PRIOR, "correlation_prior"),
        limit_mm=table.limit_mm,
        limit_working=table.limit_working,
    )


def _known(given: dict[str, Any], names: list[str], what: str) -> None:
    if unknown := sorted(set(given) - set(names)):
        raise ModelError(f"{what} {', '.join(unknown)}; it has {', '.join(names)}")


def _parameter(default: ParameterModel, table: ParameterTable) -> ParameterModel:
    chosen = {key: getattr(table, key) for key in ("group", "random", "spread", "lesion", "organ")}
    changed = {key: value for key, value in chosen.items() if value is not None}
    if table.covariates is not None:
        changed["covariates"] = tuple(table.covariates)
    for key in ("mean_prior", "spread_prior", "beta_prior"):
        changed[key] = _prior(getattr(table, key), getattr(default, key), f"{default.name}.{key}")
    return replace(default, **changed)


def _hazard(table: HazardTable) -> HazardPart:
    return _process(default_hazard(table.law, table.event, **table.options), table, "hazard")


def _new_lesions(table: NewLesionTable) -> NewLesionPart:
    part = default_new_lesions(table.law, table.clock, **table.options)
    if not table.frailty and table.frailty_prior is not None:
        raise ModelError("new_lesions: frailty_prior needs frailty = true")
    frailty = _prior(table.frailty_prior, FRAILTY_PRIOR, "new_lesions.frailty_prior") if table.frailty else None
    return replace(
        part,
        hazard=_process(part.hazard, table, "new_lesions"),
        timing=table.timing or part.timing,
        frailty_prior=frailty,
        organ=table.organ,
        organ_prior=_prior(table.organ_prior, part.organ_prior, "new_lesions.organ_prior"),
    )


_DURABLE_PRIORS = ("logit_prior", "beta_prior", "hazard_prior")


def _durable(table: DurableTable) -> DurablePart:
    default = DurablePart()
    priors = {key: _prior(getattr(table, key), getattr(default, key), f"durable.{key}") for key in _DURABLE_PRIORS}
    return DurablePart(tuple(table.covariates), **priors)


def _process(part: HazardPart, table: ProcessTable, where: str) -> HazardPart:
    names = [spec.name for spec in part.hazard.parameters]
    _known(table.parameters, names, f"baseline hazard {table.law!r} has no parameter")
    return replace(
        part,
        covariates=tuple(table.covariates),
        beta_prior=_prior(table.beta_prior, HAZARD_COVARIATE_PRIOR, f"{where}.beta_prior"),
        nodes=table.nodes or part.nodes,
        parameter_priors=tuple(
            (name, _prior(table.parameters.get(name), prior, name)) for name, prior in part.parameter_priors
        ),
        links=tuple(_link(name, link, where) for name, link in table.links.items()),
    )


def _link(name: str, table: LinkTable, where: str) -> LinkTerm:
    options = table.__pydantic_extra__
    _known(options, [field.name for field in fields(LINKS[name])], f"link {name!r} has no option")  # type: ignore[arg-type]
    link = LINKS[name](**{key: tuple(value) if isinstance(value, list) else value for key, value in options.items()})
    return LinkTerm(link, _prior(table.prior, default_link(link).prior, f"{where}.links.{name}.prior"))


def _prior_table(prior: Prior) -> PriorTable:
    return {prior.family: list(prior.args)}


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _dynamics_table(part: DynamicsPart) -> dict[str, Any]:
    table = _present(
        law=part.law.name,
        observation=part.observation.name,
        size=part.size,
        covariance=part.covariance,
        limit_mm=part.limit_mm,
        limit_working=part.limit_working,
    )
    if part.covariance == "full" or part.correlation_prior != CORRELATION_PRIOR:
        table["correlation_prior"] = _prior_table(part.correlation_prior)
    table["residual"] = {name: _prior_table(prior) for name, prior in part.residual_priors}
    table["parameters"] = {parameter.name: _parameter_table(parameter) for parameter in part.parameters}
    return table


def _parameter_table(parameter: ParameterModel) -> dict[str, Any]:
    return {
        "group": parameter.group,
        "random": parameter.random,
        "spread": parameter.spread,
        "lesion": parameter.lesion,
        "organ": parameter.organ,
        "covariates": list(parameter.covariates),
        "mean_prior": _prior_table(parameter.mean_prior),
        "spread_prior": _prior_table(parameter.spread_prior),
        "beta_prior": _prior_table(parameter.beta_prior),
    }


def _hazard_table(part: HazardPart) -> dict[str, Any]:
    return {"event": part.event, **_process_table(part)}


def _new_lesion_table(part: NewLesionPart) -> dict[str, Any]:
    table = {"clock": part.clock, "timing": part.timing, "organ": part.organ, "frailty": part.frailty is not None}
    priors = {"organ_prior": _prior_table(part.organ_prior)}
    if part.frailty_prior is not None:
        priors["frailty_prior"] = _prior_table(part.frailty_prior)
    return table | priors | _process_table(part.hazard)


def _durable_table(part: DurablePart) -> dict[str, Any]:
    priors = {key: _prior_table(getattr(part, key)) for key in _DURABLE_PRIORS}
    return {"covariates": list(part.covariates), **priors}


def _process_table(part: HazardPart) -> dict[str, Any]:
    options = {field.name: getattr(part.hazard, field.name) for field in fields(part.hazard)}  # type: ignore[arg-type]
    return {
        "law": part.hazard.name,
        "covariates": list(part.covariates),
        "beta_prior": _prior_table(part.beta_prior),
        "nodes": part.nodes,
        "options": options,
        "parameters": {name: _prior_table(prior) for name, prior in part.parameter_priors},
        "links": {term.link.name: _link_table(term) for term in part.links},
    }


def _link_table(term: LinkTerm) -> dict[str, Any]:
    options = _link_options(term.link)
    return {"prior": _prior_table(term.prior), **options}


def _link_options(link: Link) -> dict[str, float | list[str]]:
    options = {field.name: getattr(link, field.name) for field in fields(link)}  # type: ignore[arg-type]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
