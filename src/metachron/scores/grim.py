"""Gustave Roussy Immune score: NLR, lactate dehydrogenase, albumin.

GRIm = [NLR > 6] + [LDH > upper limit of normal] + [albumin < 3.5 g/dL]; 0 or 1 low, 2 or 3 high risk.

Source: Bigot and others 2017, Eur J Cancer 84:212, doi:10.1016/j.ejca.2017.06.027.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import ALBUMIN, LDH, LDH_UPPER_LIMIT, NLR
from metachron.scores.score import Group, Score, count

GRIM = Score(
    name="grim",
    title="Gustave Roussy Immune score (GRIm)",
    inputs=(NLR, LDH, LDH_UPPER_LIMIT, ALBUMIN),
    value=count(pl.col("nlr") > 6.0, pl.col("ldh") > pl.col("ldh_upper_limit"), pl.col("albumin_g_per_dl") < 3.5),
    equation="[NLR > 6] + [LDH > upper limit of normal] + [albumin < 3.5 g/dL]",
    higher_is="worse",
    population="advanced solid tumours in phase I trials of immunotherapy",
    source="Bigot and others 2017, Eur J Cancer 84:212, doi:10.1016/j.ejca.2017.06.027",
    checked="the abstract of the publication: the three limits, all strict, albumin in g/L; groups 0-1 and 2-3: "
    "abstract 767P of the ESMO congress 2022",
    groups=(Group("low", 0), Group("high", 2)),
)
