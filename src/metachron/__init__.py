"""Joint models of tumour size and survival in metastatic cancer.

From a file to a figure: `load` a cohort, `compose` a model, `fit` it, look at ``fit.summary()`` and `write_report`.
From a patient to a forecast: `load` the patient, `load_reference` (or a fit), `forecast_from`.
Names are imported when they are first used, so that ``import metachron`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metachron.cohort import Cohort
    from metachron.cohort.read import load
    from metachron.inference import Fit, fit
    from metachron.joint import JointModel, compose
    from metachron.reference import forecast_from, load_reference
    from metachron.report import write_forecast_page, write_report

    __version__: str

__all__ = [
    "Cohort",
    "Fit",
    "JointModel",
    "__version__",
    "compose",
    "fit",
    "forecast_from",
    "load",
    "load_reference",
    "write_forecast_page",
    "write_report",
]

_HOMES = {
    "Cohort": "metachron.cohort",
    "Fit": "metachron.inference",
    "JointModel": "metachron.joint",
    "compose": "metachron.joint",
    "fit": "metachron.inference",
    "forecast_from": "metachron.reference",
    "load": "metachron.cohort.read",
    "load_reference": "metachron.reference",
    "write_forecast_page": "metachron.report",
    "write_report": "metachron.report",
}


def __getattr__(name: str) -> object:
    """Return a public name from the room that defines it, imported at its first use."""
    if name == "__version__":
        from importlib.metadata import version

        return version("metachron")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; public names: {', '.join(__all__)}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
