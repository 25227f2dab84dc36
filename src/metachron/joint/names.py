"""Names of population parameters: ``{what}.{role}[{index}]``, the same in every table, file and figure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metachron.joint.design import Dims, Labels
from metachron.joint.parts import ModelParts
from metachron.joint.sites import CORRELATION, Site, list_sites


class FlatName(NamedTuple):
    """A scalar population parameter: its full name, and where it stands."""

    name: str
    site: str
    position: tuple[int, ...]


def site_axes(model: ModelParts, site: Site, labels: Labels) -> dict[str, tuple[str, ...]]:
    """Return the names of a site's dimensions and of their entries."""
    if site.name == CORRELATION:
        assert model.dynamics is not None
        names = tuple(parameter.label for parameter in model.dynamics.random)
        return {"effect": names, "other_effect": names}
    axes = {}
    for axis, size in zip(site.axes, site.shape, strict=True):
        if axis.startswith("column:"):
            block = axis.removeprefix("column:")
            axes[f"{site.name} column"] = labels.columns[block]
        elif axis == "component":
            axes[f"{site.name} component"] = tuple(str(index + 1) for index in range(size))
        elif axis == "organ":
            axes[axis] = labels.organs
        elif axis == "new_lesion_organ":
            axes[axis] = labels.new_lesion_organs
        else:
            axes[axis] = labels.group(axis)
    return axes


def flat_names(model: ModelParts, dims: Dims, labels: Labels) -> list[FlatName]:
    """Return the name, site and index of every population parameter that is free to vary."""
    names: list[FlatName] = []
    for site in list_sites(model, dims):
        axes = list(site_axes(model, site, labels).values())
        if not axes:
            names.append(FlatName(site.name, site.name, ()))
            continue
        for index in np.ndindex(*(len(axis) for axis in axes)):
            if site.name == CORRELATION and index[0] >= index[1]:
                continue
            words = ",".join(axis[i] for axis, i in zip(axes, index, strict=True))
            names.append(FlatName(f"{site.name}[{words}]", site.name, index))
    return names
