"""Neutrophil-to-lymphocyte ratio, plain and derived.

NLR = neutrophils / lymphocytes; dNLR = neutrophils / (leukocytes - neutrophils), for where lymphocytes are not counted.

Sources: the cut-off of 5 is what a pooled analysis of 14 studies of nivolumab in NSCLC recommends, 2018, OncoImmunology
7:e1507262, doi:10.1080/2162402X.2018.1507262; many others are in use. dNLR: Proctor and others 2012, Br J Cancer
107:695, doi:10.1038/bjc.2012.292; its cut-off of 3 is that of LIPI, doi:10.1001/jamaoncol.2017.4771.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import DNLR, NLR
from metachron.scores.lipi import DNLR_LIMIT
from metachron.scores.score import Group, Score

NLR_CATEGORY = Score(
    name="nlr",
    title="Neutrophil-to-lymphocyte ratio (NLR)",
    inputs=(NLR,),
    value=pl.col("nlr"),
    equation="neutrophils / lymphocytes",
    higher_is="worse",
    population="non-small-cell lung cancer under nivolumab, for the cut-off",
    source="pooled analysis of 14 studies, 2018, OncoImmunology 7:e1507262, doi:10.1080/2162402X.2018.1507262",
    checked="the abstract of the source: NLR >= 5; many other cut-offs are in use",
    groups=(Group("low", 0), Group("high", 5)),
)
DNLR_CATEGORY = Score(
    name="dnlr",
    title="Derived neutrophil-to-lymphocyte ratio (dNLR)",
    inputs=(DNLR,),
    value=pl.col("dnlr"),
    equation="neutrophils / (leukocytes - neutrophils)",
    higher_is="worse",
    population="non-small-cell lung cancer under a PD-1 or PD-L1 inhibitor, for the cut-off",
    source="Proctor and others 2012, doi:10.1038/bjc.2012.292; cut-off: Mezquita 2018, doi:10.1001/jamaoncol.2017.4771",
    checked="the abstract of Mezquita 2018: the formula and dNLR > 3",
    groups=(Group("low", 0), Group("high", DNLR_LIMIT, above=True)),
)
