"""Joint models of tumour size and survival in metastatic cancer.

From a file to a figure: `load` a cohort, `compose` a model, `fit` it, look at ``fit.summary()`` and `write_report`.
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
    from metachron.report import write_report

    __version__: str

__all__ = ["Cohort", "Fit", "JointModel", "__version__", "compose", "fit", "load", "write_report"]

_HOMES = {
    "Cohort": "metachron.cohort",
    "Fit": "metachron.inference",
    "JointModel": "metachron.joint",
    "compose": "metachron.joint",
    "fit": "metachron.inference",
    "load": "metachron.cohort.read",
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
