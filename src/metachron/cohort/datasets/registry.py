"""Every named public data set."""

from __future__ import annotations

import polars as pl

from metachron.base import Registry
from metachron.cohort.datasets.atezolizumab import ATEZOLIZUMAB
from metachron.cohort.datasets.dataset import DataSet
from metachron.cohort.datasets.ffcd import FFCD
from metachron.cohort.datasets.inspire import INSPIRE
from metachron.cohort.datasets.loris import LORIS
from metachron.cohort.datasets.oak203 import OAK203
from metachron.cohort.datasets.oak_poplar import OAK_POPLAR
from metachron.cohort.datasets.recist_open import RECIST_OPEN

DATASETS: Registry[DataSet] = Registry(
    "public data set",
    {**ATEZOLIZUMAB, **OAK_POPLAR, **{item.name: item for item in (FFCD, INSPIRE, OAK203, RECIST_OPEN)}, **LORIS},
)
"""Public data sets by name; `DATASETS[name].load()` gives the `Cohort`."""


def list_datasets() -> pl.DataFrame:
    """Return one row per public data set: name, title, patients, measurements, licence. No file is read."""
    rows = [(item.name, item.title, item.patients, item.measurements, item.licence) for item in DATASETS.values()]
    return pl.DataFrame(rows, schema=["name", "title", "patients", "measurements", "licence"], orient="row")
