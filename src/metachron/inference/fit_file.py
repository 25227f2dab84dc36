"""A fit on disk: one netCDF file with draws, model file, labels, provenance and the cohort's tables."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5netcdf
import numpy as np
import polars as pl

from metachron.base import FitFileError, MetachronError
from metachron.cohort import AcceptedException, Cohort
from metachron.inference.fit import Fit
from metachron.inference.stored import StoredGroup
from metachron.joint import Dims, JointModel, Labels
from metachron.joint.covariates import Coding

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "metachron-fit"
FORMAT_VERSION = 1


def write_fit(fit: Fit, path: Path) -> Path:
    """Write a fit; the file appears whole or not at all."""
    import xarray as xr

    groups = {"/posterior": fit.posterior, "/sample_stats": fit.sample_stats}
    if fit.cohort is not None:
        groups["/cohort"] = _cohort_dataset(fit.cohort)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": fit.model.to_toml(),
        "labels": json.dumps(asdict(fit.labels)),
        "dims": json.dumps(asdict(fit.dims)),
        "provenance": json.dumps(dict(fit.provenance), default=str),
    }
    temporary = path.with_name(path.name + ".part")
    try:
        tree.to_netcdf(temporary, engine="h5netcdf")
        temporary.replace(path)
    except OSError as error:
        raise FitFileError(f"fit file {path}: cannot be written ({error}); choose a folder that exists") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_fit(path: Path) -> Fit:
    """Return the fit in a file; see `Fit.load`."""
    if not path.is_file():
        raise FitFileError(f"fit file {path}: there is no such file; give the path that 'metachron fit --out' wrote")
    try:
        with h5netcdf.File(path, "r") as opened:
            attributes = dict(opened.attrs)
            groups = {name: StoredGroup.read(group) for name, group in opened.groups.items()}
    except Exception as error:  # the netCDF reader raises many kinds on damaged bytes
        raise FitFileError(
            f"fit file {path}: cannot be read as netCDF ({type(error).__name__}: {error}); the file is damaged or is "
            "not a fit; fit again, or copy it again from where it was made"
        ) from error
    _check_format(attributes, path)
    try:
        return Fit.of_stored(
            groups["posterior"],
            groups["sample_stats"],
            model=JointModel.from_toml(attributes["model"], f"{path} (model)"),
            labels=_labels(json.loads(attributes["labels"])),
            dims=_dims(json.loads(attributes["dims"])),
            provenance=json.loads(attributes["provenance"]),
            cohort=_cohort(groups["cohort"]) if "cohort" in groups else None,
        )
    except (KeyError, ValueError, TypeError, MetachronError, pl.exceptions.PolarsError) as error:
        raise FitFileError(
            f"fit file {path}: its content is not that of a fit of this version ({type(error).__name__}: {error}); "
            "fit again with this version of metachron"
        ) from error


def _check_format(attributes: dict[Any, Any], path: Path) -> None:
    if attributes.get("format") != FORMAT:
        raise FitFileError(
            f"fit file {path}: it is netCDF but not a metachron fit; give the path that 'metachron fit --out' wrote"
        )
    version = attributes.get("format_version")
    if version != FORMAT_VERSION:
        raise FitFileError(
            f"fit file {path}: format version {version}, and this metachron reads version {FORMAT_VERSION}; fit again, "
            "or install the version of metachron named in its provenance"
        )


def _labels(data: dict[str, Any]) -> Labels:
    def tuples(values: list[Any]) -> tuple[Any, ...]:
        return tuple(values)

    return Labels(
        patients=tuples(data["patients"]),
        series=tuple((patient, lesion) for patient, lesion in data["series"]),
        arms=tuples(data["arms"]),
        study_arms=tuples(data["study_arms"]),
        columns={name: tuples(names) for name, names in data["columns"].items()},
        codings={
            name: Coding(c["column"], tuples(c["levels"]), c["centre"], c["per"]) for name, c in data["codings"].items()
        },
        knots_year=tuples(data["knots_year"]),
        limit_mm=data["limit_mm"],
        organs=tuples(data.get("organs", ())),
        new_lesion_organs=tuples(data.get("new_lesion_organs", ())),
        new_lesion_knots_year=tuples(data.get("new_lesion_knots_year", ())),
    )


def _dims(data: dict[str, Any]) -> Dims:
    return Dims(**{**data, "columns": tuple((name, count) for name, count in data["columns"])})


def _cohort_dataset(cohort: Cohort) -> xr.Dataset:
    """Return the cohort's tables as bytes of Parquet, one variable each."""
    import xarray as xr

    variables = {}
    for name, frame in {**cohort.tables, "unused": cohort.unused}.items():
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        variables[name] = (f"{name}_byte", np.frombuffer(buffer.getvalue(), dtype=np.uint8))
    about = {
        "name": cohort.name,
        "limit_mm": cohort.limit_mm,
        "accepted": [asdict(exception) for exception in cohort.accepted],
        "notes": list(cohort.notes),
        "provenance": dict(cohort.provenance),
    }
    return xr.Dataset(variables, attrs={"about": json.dumps(about, default=str)})


def _cohort(stored: StoredGroup) -> Cohort:
    about = json.loads(stored.attributes["about"])
    tables = {name: pl.read_parquet(io.BytesIO(values.tobytes())) for name, values in stored.arrays.items()}
    unused = tables.pop("unused")
    return Cohort.create(
        about["name"],
        tables,
        limit_mm=about["limit_mm"],
        accept=tuple(AcceptedException(**exception) for exception in about["accepted"]),
        notes=tuple(about["notes"]),
        provenance=about["provenance"],
        unused=unused,
    )
