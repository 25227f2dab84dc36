"""Named public data sets: found on this machine or downloaded, checked, and read as a `Cohort`."""

from metachron.cohort.datasets.dataset import DataSet, Published, Unused
from metachron.cohort.datasets.public_file import DATA_VARIABLE, PublicFile, find_file
from metachron.cohort.datasets.registry import DATASETS, list_datasets

__all__ = [
    "DATASETS",
    "DATA_VARIABLE",
    "DataSet",
    "PublicFile",
    "Published",
    "Unused",
    "find_file",
    "list_datasets",
]
