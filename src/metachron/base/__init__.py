"""Units, errors, parameter specifications, quadrature, threads: what every room needs and no domain knowledge."""

from metachron.base.errors import (
    ConvergenceError,
    DataNotFoundError,
    FitFileError,
    IncompatiblePartsError,
    InputError,
    MetachronError,
    ModelError,
    Problem,
    list_briefly,
)
from metachron.base.parameters import ParameterSpec, Prior, Transform
from metachron.base.registry import Registry
from metachron.base.threads import side_by_side
from metachron.base.units import DAYS_PER_MONTH, DAYS_PER_WEEK, DAYS_PER_YEAR, MONTHS_PER_YEAR

__all__ = [
    "DAYS_PER_MONTH",
    "DAYS_PER_WEEK",
    "DAYS_PER_YEAR",
    "MONTHS_PER_YEAR",
    "ConvergenceError",
    "DataNotFoundError",
    "FitFileError",
    "IncompatiblePartsError",
    "InputError",
    "MetachronError",
    "ModelError",
    "ParameterSpec",
    "Prior",
    "Problem",
    "Registry",
    "Transform",
    "list_briefly",
    "side_by_side",
]
