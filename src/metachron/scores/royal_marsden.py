"""Royal Marsden Hospital score: albumin, lactate dehydrogenase, number of metastatic sites.

RMH = [albumin < 3.5 g/dL] + [LDH > upper limit of normal] + [more than 2 sites of metastases]; 0 or 1 good, 2 or 3
poor. Sites are organs, not lesions.

Source: Arkenau and others 2009, J Clin Oncol 27:2692, doi:10.1200/JCO.2008.19.5081.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import ALBUMIN, LDH, LDH_UPPER_LIMIT, MET_SITES
from metachron.scores.score import Group, Score, count

FACTORS = (
    pl.col("albumin_g_per_dl") < 3.5,
    pl.col("ldh") > pl.col("ldh_upper_limit"),
    pl.col("met_sites") > 2.0,
)
"""The three factors, which the MD Anderson score holds too."""
INPUTS = (ALBUMIN, LDH, LDH_UPPER_LIMIT, MET_SITES)

ROYAL_MARSDEN = Score(
    name="rmh",
    title="Royal Marsden Hospital score (RMH)",
    inputs=INPUTS,
    value=count(*FACTORS),
    equation="[albumin < 3.5 g/dL] + [LDH > upper limit of normal] + [more than 2 metastatic sites]",
    higher_is="worse",
    population="advanced solid tumours in phase I trials; made before checkpoint inhibitors",
    source="Arkenau and others 2009, J Clin Oncol 27:2692, doi:10.1200/JCO.2008.19.5081",
    checked="the abstract of the publication (albumin < 35 g/L), and that of Garrido-Laguna 2012, "
    "doi:10.1002/cncr.26413 (>= 3.5 against < 3.5 g/dL; <= 2 against >= 3 sites)",
    groups=(Group("good", 0), Group("poor", 2)),
)
