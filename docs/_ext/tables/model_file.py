"""The keys of a model file, from the classes that read it; a key without words here fails the build."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from metachron.joint.model_tables import (
    CovariateTable,
    DurableTable,
    DynamicsTable,
    HazardTable,
    ModelFile,
    NewLesionTable,
    ParameterTable,
)
from tables.markdown import code, codes, table, text

_PROCESS = {
    "law": "name of the baseline hazard",
    "beta_prior": "prior of each covariate effect, a log hazard ratio",
    "nodes": "quadrature nodes per stretch, used with links that move with time; by default 32, for new lesions 16",
    "options": "options of the baseline hazard: `intervals` of `piecewise`; `basis` and `degree` of `m-spline`",
    "parameters": "prior per parameter of the baseline hazard, on its transform scale",
    "links": "one table per link: `prior`, and the link's own numbers (reference or cap)",
}
_MEANINGS: dict[type[BaseModel], dict[str, str]] = {
    ModelFile: {
        "name": "what the model is called in reports",
        "dynamics": "the tumour dynamics; without this table the model is one of the event alone",
        "hazard": "the event; without this table the model has none",
        "new_lesions": "the process of new lesions; without this table they are not modelled",
        "durable": "the class of durable responders; without this table there is none",
        "covariates": "how baseline columns enter wherever they are named",
    },
    DynamicsTable: {
        "law": "name of the tumour law",
        "observation": "name of the observation law; without: `proportional` for laws above 0 mm, else `additive`",
        "size": "`sum` over the target lesions, or `lesion` by lesion",
        "covariance": "of the patient effects of different parameters",
        "limit_mm": "size below which a tumour is too small to measure; without: the cohort's",
        "limit_working": "the limit on the working scale of the law, where data were censored on it; in its place",
        "correlation_prior": "prior of the correlation matrix of a full covariance",
        "parameters": "one table per parameter of the law",
        "residual": "prior per standard deviation of the observation law",
    },
    ParameterTable: {
        "group": "what the mean depends on: `all` (one mean), `arm` or `study-arm`",
        "random": "whether patients differ beyond group and covariates; by default they do",
        "spread": "what the standard deviation of the patient effects depends on, as `group`; by default `all`",
        "lesion": "whether lesions of one patient differ; by default they do where `size` is `lesion`",
        "organ": "effects of the organs that lesions are in: `none`, `all` (the same in every arm) or `arm`; by "
        "default `all` where `size` is `lesion`",
        "covariates": "baseline columns that move the parameter",
        "mean_prior": "prior of the mean of each group, on the transform scale",
        "spread_prior": "prior of the standard deviation of the patient effects, and of the lesion effects",
        "beta_prior": "prior of each covariate effect",
    },
    HazardTable: {
        **_PROCESS,
        "event": "kind of event in the cohort",
        "covariates": "baseline columns of the hazard",
    },
    NewLesionTable: {
        **_PROCESS,
        "covariates": "baseline columns of the rate",
        "clock": "what the baseline counts from: day 0, or the last detection of a new lesion",
        "timing": "times as recorded, or after the visit before; by default `between-visits` in calendar time",
        "frailty": "whether patients differ beyond covariates and links; the link `new-lesion-frailty` looks at it",
        "frailty_prior": "prior of the standard deviation of the frailty, on the log scale",
        "organ": "whether organs differ in their share of new lesions: `none`, `all` (the same in every arm) or `arm`",
        "organ_prior": "prior of each organ's effect, the log of its share up to a constant",
    },
    DurableTable: {
        "covariates": "baseline columns, and interactions such as `arm:pdl1`, of the probability of a durable response",
        "logit_prior": "prior of the logit of the probability at the reference levels and centres of the covariates",
        "beta_prior": "prior of each covariate effect, a log odds ratio",
        "hazard_prior": "prior of the coefficient of the class in each log hazard, and in the log rate of new lesions",
    },
    CovariateTable: {
        "kind": "`categorical`: a column per level but the reference; `continuous`; `auto`: text or number decides",
        "reference": "reference level; without: the first level in sorted order",
        "centre": "value subtracted; without: the mean of the cohort that is fitted",
        "per": "the coefficient is per this many units",
    },
}


def model_file_top() -> str:
    """Return the keys at the top of a model file."""
    return _keys(ModelFile)


def model_file_dynamics() -> str:
    """Return the keys of ``[dynamics]``."""
    return _keys(DynamicsTable)


def model_file_parameter() -> str:
    """Return the keys of ``[dynamics.parameters.NAME]``."""
    return _keys(ParameterTable)


def model_file_hazard() -> str:
    """Return the keys of ``[hazard]``."""
    return _keys(HazardTable)


def model_file_new_lesions() -> str:
    """Return the keys of ``[new_lesions]``."""
    return _keys(NewLesionTable)


def model_file_durable() -> str:
    """Return the keys of ``[durable]``."""
    return _keys(DurableTable)


def model_file_covariate() -> str:
    """Return the keys of ``[covariates.COLUMN]``."""
    return _keys(CovariateTable)


def _keys(model: type[BaseModel]) -> str:
    meanings, fields = _MEANINGS[model], model.model_fields
    if different := set(meanings) ^ set(fields):
        raise RuntimeError(f"keys of {model.__name__} and their explanations differ in {', '.join(sorted(different))}")
    rows = [[code(name), _kind(field), _default(field), text(meanings[name])] for name, field in fields.items()]
    return table(["key", "value", "default", "meaning"], rows)


def _kind(field: FieldInfo) -> str:
    words = _words(field.annotation)
    return words or "table"


def _words(annotation: Any) -> str:
    """Return a type in words: names to choose from, or the kind of value."""
    simple = {str: "text", float: "number", int: "whole number", bool: "true or false", list[str]: "list of names"}
    if annotation in simple:
        return simple[annotation]
    arguments = get_args(annotation)
    if annotation == dict[str, list[float]]:
        return "prior"
    if arguments and all(isinstance(item, str) for item in arguments):
        return codes(arguments)
    if type(None) in arguments:
        return ", ".join(filter(None, (_words(item) for item in arguments if item is not type(None))))
    return ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ({}, []):
        return ""
    return code(value)
