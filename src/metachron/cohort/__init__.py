"""The cohort: one container of typed, checked tables that everything enters and leaves through."""

from metachron.cohort.arrays import CohortArrays, EventArrays, SizeRows, bucket
from metachron.cohort.cohort import Cohort
from metachron.cohort.exceptions import AcceptedException
from metachron.cohort.folder import read_folder
from metachron.cohort.maf import read_maf
from metachron.cohort.read import load
from metachron.cohort.schema import (
    DRUG_CLASSES,
    EVENT_KINDS,
    LIMIT_MM,
    ORGANS,
    ROLES,
    SCHEMA,
    STATES,
    UNUSED_SCHEMA,
    Column,
    Table,
)
from metachron.cohort.template import write_template
from metachron.cohort.write import write_folder

__all__ = [
    "DRUG_CLASSES",
    "EVENT_KINDS",
    "LIMIT_MM",
    "ORGANS",
    "ROLES",
    "SCHEMA",
    "STATES",
    "UNUSED_SCHEMA",
    "AcceptedException",
    "Cohort",
    "CohortArrays",
    "Column",
    "EventArrays",
    "SizeRows",
    "Table",
    "bucket",
    "load",
    "read_folder",
    "read_maf",
    "write_folder",
    "write_template",
]
