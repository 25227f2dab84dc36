"""Every published score by its public name."""

from __future__ import annotations

import polars as pl

from metachron.base import Registry
from metachron.scores.epsilon import EPSILON
from metachron.scores.grim import GRIM
from metachron.scores.lipi import LIPI
from metachron.scores.loris import LORIS
from metachron.scores.loris_nsclc import LORIS_NSCLC
from metachron.scores.mda_ici import MDA_ICI
from metachron.scores.mdacc import MDACC
from metachron.scores.microsatellite import MSI_CATEGORY
from metachron.scores.neutrophils import DNLR_CATEGORY, NLR_CATEGORY
from metachron.scores.pdl1 import PDL1_CPS_CATEGORY, PDL1_SP142_CATEGORY, PDL1_TPS_CATEGORY
from metachron.scores.royal_marsden import ROYAL_MARSDEN
from metachron.scores.score import Score
from metachron.scores.tmb import TMB_CATEGORY

SCORES: Registry[Score] = Registry(
    "score",
    {
        score.name: score
        for score in (
            LORIS, LORIS_NSCLC, LIPI, GRIM, ROYAL_MARSDEN, MDACC, MDA_ICI, EPSILON, PDL1_TPS_CATEGORY,
            PDL1_CPS_CATEGORY, PDL1_SP142_CATEGORY, TMB_CATEGORY, MSI_CATEGORY, NLR_CATEGORY, DNLR_CATEGORY,
        )
    },
)  # fmt: skip


def list_scores() -> pl.DataFrame:
    """Return one row per score: name, title, inputs (columns), population, source."""
    rows = [(s.name, s.title, ", ".join(s.columns), s.population, s.source) for s in SCORES.values()]
    return pl.DataFrame(rows, schema=["name", "title", "inputs", "population", "source"], orient="row")
