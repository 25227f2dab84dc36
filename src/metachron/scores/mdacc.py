"""MD Anderson Cancer Center score for phase I trials: the Royal Marsden factors, a gastrointestinal tumour, ECOG.

MDACC = RMH + [gastrointestinal tumour] + [ECOG >= 1], 0 to 5; the publication gives survival for 0, 1, 2, 3, and
4 or 5.

Which primaries are gastrointestinal is for the user to say, in the column ``gastrointestinal``: the abstract does not
tell whether, for example, hepatobiliary tumours are.

Source: Wheler and others 2012, Clin Cancer Res 18:2922, doi:10.1158/1078-0432.CCR-11-2217.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import ECOG, GASTROINTESTINAL
from metachron.scores.royal_marsden import FACTORS, INPUTS
from metachron.scores.score import Group, Score, count

MDACC = Score(
    name="mdacc",
    title="MD Anderson Cancer Center score (MDACC)",
    inputs=(*INPUTS, GASTROINTESTINAL, ECOG),
    value=count(*FACTORS, pl.col("gastrointestinal") == 1.0, pl.col("ecog") >= 1.0),
    equation="[albumin < 3.5 g/dL] + [LDH > upper limit of normal] + [more than 2 metastatic sites] "
    "+ [gastrointestinal tumour] + [ECOG >= 1]",
    higher_is="worse",
    population="advanced solid tumours in phase I trials; made before checkpoint inhibitors",
    source="Wheler and others 2012, Clin Cancer Res 18:2922, doi:10.1158/1078-0432.CCR-11-2217",
    checked="the abstract of the publication: the five factors and the five groups; others join them to 0-1, 2 and "
    "3-5 (abstract 493P of the ESMO congress 2019)",
    groups=(Group("0", 0), Group("1", 1), Group("2", 2), Group("3", 3), Group("4 or 5", 4)),
)
