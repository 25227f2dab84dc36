"""A fit: draws with names, how they were made, whether they can be trusted, and the data they rest on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from metachron.cohort import Cohort
from metachron.inference.diagnostics import Diagnostics, diagnose, number_or_none
from metachron.inference.posterior import EFFECT, population_draws
from metachron.joint import Dims, JointModel, Labels
from metachron.joint.names import flat_names

if TYPE_CHECKING:
    import xarray as xr

    from metachron.inference.stored import StoredGroup


@dataclass(frozen=True)
class Fit:
    """The result of fitting a `JointModel` to a `Cohort`.

    Parameters
    ----------
    model : what was fitted.
    posterior : draws by name, dimensions chain, draw and what the name counts (patient, arm ...).
    sample_stats : sampler statistics, dimensions chain and draw.
    labels, dims : what the indices mean; new patients are coded alike.
    provenance : versions, seed, settings, time, hash of the cohort, exceptions accepted in it.
    cohort : the data that were fitted; None when stripped (`without_cohort`).
    """

    model: JointModel
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    labels: Labels
    dims: Dims
    provenance: Mapping[str, Any]
    cohort: Cohort | None

    @classmethod
    def of_stored(cls, posterior: StoredGroup, sample_stats: StoredGroup, **rest: Any) -> Fit:
        """Return the fit of draws as they lie in a file; their labels are put on when they are first asked for."""
        fit = cls.__new__(cls)
        fit.__dict__.update(rest, _stored={"posterior": posterior, "sample_stats": sample_stats})
        return fit

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            stored = self.__dict__.get("_stored", {})
            if name not in stored:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return self.__dict__.setdefault(name, stored[name].dataset())

    @cached_property
    def arrays(self) -> Mapping[str, np.ndarray]:
        """The draws by name without their labels: chains and draws first."""
        if stored := self.__dict__.get("_stored"):
            return stored["posterior"].arrays
        return {str(name): values.to_numpy() for name, values in self.posterior.data_vars.items()}

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of chains and of draws of each."""
        stored = self.__dict__.get("_stored")
        lp = stored["sample_stats"].arrays["lp"] if stored else self.sample_stats["lp"]
        return int(lp.shape[0]), int(lp.shape[1])

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Convergence: R-hat, effective sample sizes, divergences, E-BFMI."""
        names = flat_names(self.model, self.dims, self.labels)
        effects = [
            self.posterior[name].to_numpy() for name in map(str, self.posterior.data_vars) if name.endswith(EFFECT)
        ]
        shape = self.shape
        integrals = self.provenance.get("integrals")
        return diagnose(
            [name for name, _, _ in names],
            population_draws(self.posterior, names),
            np.concatenate(effects, axis=-1) if effects else np.empty((*shape, 0)),
            self.sample_stats["energy"].to_numpy(),
            self.sample_stats["diverging"].to_numpy(),
            integrals,
            tuple(self.provenance.get("cautions", ())),
        )

    @property
    def verdict(self) -> str:
        """One sentence on convergence and, for the marginal engine, one on the accuracy of its integrals."""
        integrals = self.provenance.get("integrals")
        said = self.diagnostics.verdict
        return said if integrals is None or integrals["sentence"] in said else f"{said}; {integrals['sentence']}"

    def summary(self) -> pl.DataFrame:
        """Return mean, sd, 90 % interval, R-hat, ESS and Monte Carlo error of every population parameter."""
        return self.diagnostics.table

    def as_dict(self) -> dict[str, Any]:
        """Return the summary for JSON: ``parameters`` by name, ``diagnostics``, ``provenance``; NaN is None."""
        rows = self.summary().iter_rows(named=True)
        return {
            "parameters": {
                row.pop("parameter"): {name: number_or_none(value) for name, value in row.items()} for row in rows
            },
            "diagnostics": self.diagnostics.as_dict(),
            "provenance": json.loads(json.dumps(dict(self.provenance), default=str)),
        }

    def without_cohort(self) -> Fit:
        """Return the fit without patients' data: what may be shared. Patient effects are left out with them."""
        kept = [name for name in self.posterior.data_vars if not {"patient", "series"} & set(self.posterior[name].dims)]
        posterior = self.posterior[kept]
        labels = replace(self.labels, patients=(), series=())
        provenance = {key: value for key, value in self.provenance.items() if key != "accepted"}
        return replace(self, posterior=posterior, labels=labels, provenance=provenance, cohort=None)

    def save(self, path: str | Path) -> Path:
        """Write the fit as netCDF (readable by ArviZ) and return the path."""
        from metachron.inference.fit_file import write_fit

        return write_fit(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Fit:
        """Return the fit in a file.

        Raises
        ------
        FitFileError
            When the file is missing, damaged, not a fit, or of another format version.
        """
        from metachron.inference.fit_file import read_fit

        return read_fit(Path(path))

    def to_datatree(self) -> xr.DataTree:
        """Return posterior and sampler statistics as the DataTree that ArviZ works with."""
        import xarray as xr

        return xr.DataTree.from_dict({"/posterior": self.posterior, "/sample_stats": self.sample_stats})

    def __repr__(self) -> str:
        dynamics = [self.model.dynamics.law.name] if self.model.dynamics else []
        hazard = [self.model.hazard.hazard.name] if self.model.hazard else []
        shape = self.shape
        size = f"{len(self.labels.patients)} patients, {shape[0]} x {shape[1]} draws"
        return f"Fit({' + '.join(dynamics + hazard)}, {size}, {self.diagnostics.verdict})"

    def _repr_html_(self) -> str:
        table = self.summary()
        head = "".join(f"<th>{name}</th>" for name in table.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(name, value)}</td>" for name, value in row.items()) + "</tr>"
            for row in table.iter_rows(named=True)
        )
        title, verdict = repr(self).removesuffix(")").split(", ", 1)
        return f"<p><b>{title})</b>: {verdict}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(column: str, value: float | str) -> str:
    """Return a number with as many digits as its column deserves."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if column.startswith("ess") else f"{value:.2f}" if column == "rhat" else f"{value:.3g}"
