"""Draws as they lie in a file: plain arrays, and an xarray data set when one is asked for.

xarray takes a second and more to import, with pandas behind it; a forecast from a fit on disk needs arrays alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class StoredGroup:
    """One group of a netCDF file.

    ``variables`` : dimensions and values by name, coordinates among them. ``attributes`` : of the group.
    """

    variables: Mapping[str, tuple[tuple[str, ...], np.ndarray]]
    attributes: Mapping[str, Any]

    @classmethod
    def read(cls, group: Any) -> StoredGroup:
        """Return a group of an open `h5netcdf.File`, read into memory."""
        found = {name: (tuple(v.dimensions), _decoded(v)) for name, v in group.variables.items()}
        return cls(found, dict(group.attrs))

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """The values by name, without coordinates."""
        dimensions = {name for own, _ in self.variables.values() for name in own}
        return {name: values for name, (_, values) in self.variables.items() if name not in dimensions}

    def dataset(self) -> xr.Dataset:
        """Return the group with its labels."""
        import xarray as xr

        coordinates = {name: value for name, value in self.variables.items() if name not in self.arrays}
        data = {name: self.variables[name] for name in self.arrays}
        return xr.Dataset(data, coordinates, attrs=dict(self.attributes))


def _decoded(variable: Any) -> np.ndarray:
    """Return values as they were written: texts lie there as bytes, truth values as small integers with their type."""
    values = np.asarray(variable[...])
    if values.dtype == object:
        texts = [text.decode() if isinstance(text, bytes) else str(text) for text in values.ravel()]
        return np.asarray(texts, dtype=str).reshape(values.shape)
    return values.astype(bool) if variable.attrs.get("dtype") == "bool" else values
