"""MD Anderson score for phase I trials of checkpoint inhibitors (MDA-ICI): seven factors.

MDA-ICI = [age > 52] + [ECOG > 1] + [LDH > 0.75 upper limit of normal] + [platelets > 300/nL] + [neutrophils > 4.9/nL]
+ [lymphocytes < 1.8/nL] + [liver metastases]; groups 0-2, 3, 4, and 5 or more.

The publication prints the limit of LDH as 466 U/L, which was 0.75 of its laboratory's upper limit of normal. Limits
differ between laboratories, so the ratio is used here. It names its highest group 5-6; a patient with all seven
factors is counted in it.

Source: Sen and others 2018, Br J Cancer 118:763, doi:10.1038/bjc.2017.480.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import (
    AGE,
    ECOG,
    INVOLVED_LIVER,
    LDH,
    LDH_UPPER_LIMIT,
    LYMPHOCYTES,
    NEUTROPHILS,
    PLATELETS,
)
from metachron.scores.score import Group, Score, count

MDA_ICI = Score(
    name="mda-ici",
    title="MD Anderson immune checkpoint inhibitor score (MDA-ICI)",
    inputs=(AGE, ECOG, LDH, LDH_UPPER_LIMIT, PLATELETS, NEUTROPHILS, LYMPHOCYTES, INVOLVED_LIVER),
    value=count(
        pl.col("age_year") > 52.0,
        pl.col("ecog") > 1.0,
        pl.col("ldh") > 0.75 * pl.col("ldh_upper_limit"),
        pl.col("platelets_per_nl") > 300.0,
        pl.col("neutrophils_per_nl") > 4.9,
        pl.col("lymphocytes_per_nl") < 1.8,
        pl.col("involved_liver") == 1.0,
    ),
    equation="[age > 52] + [ECOG > 1] + [LDH > 0.75 upper limit of normal] + [platelets > 300/nL] "
    "+ [neutrophils > 4.9/nL] + [lymphocytes < 1.8/nL] + [liver metastases]",
    higher_is="worse",
    population="advanced solid tumours in phase I trials of checkpoint inhibitors",
    source="Sen and others 2018, Br J Cancer 118:763, doi:10.1038/bjc.2017.480",
    checked="the abstract of the publication: the seven factors, all limits strict, and the groups",
    groups=(Group("0 to 2", 0), Group("3", 3), Group("4", 4), Group("5 or more", 5)),
)
