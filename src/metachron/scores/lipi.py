"""Lung Immune Prognostic Index: derived neutrophil-to-lymphocyte ratio and lactate dehydrogenase.

LIPI = [dNLR > 3] + [LDH > upper limit of normal], dNLR = neutrophils / (leukocytes - neutrophils); 0 good,
1 intermediate, 2 poor.

Source: Mezquita and others 2018, JAMA Oncol 4:351, doi:10.1001/jamaoncol.2017.4771.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import DNLR, LDH, LDH_UPPER_LIMIT
from metachron.scores.score import Group, Score, count

DNLR_LIMIT = 3.0
"""Above it the ratio counts as high; Mezquita 2018."""

LIPI = Score(
    name="lipi",
    title="Lung Immune Prognostic Index (LIPI)",
    inputs=(DNLR, LDH, LDH_UPPER_LIMIT),
    value=count(pl.col("dnlr") > DNLR_LIMIT, pl.col("ldh") > pl.col("ldh_upper_limit")),
    equation="[dNLR > 3] + [LDH > upper limit of normal]",
    higher_is="worse",
    population="advanced non-small-cell lung cancer under a PD-1 or PD-L1 inhibitor",
    cancer_types=("nsclc",),
    source="Mezquita and others 2018, JAMA Oncol 4:351, doi:10.1001/jamaoncol.2017.4771",
    checked="the abstract of the publication: both limits, both strict, and the three groups",
    groups=(Group("good", 0), Group("intermediate", 1), Group("poor", 2)),
)
