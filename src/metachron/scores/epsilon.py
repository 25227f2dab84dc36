"""EPSILoN: ECOG performance status, smoking, liver metastases, lactate dehydrogenase, NLR.

EPSILoN = [ECOG >= 2] + [less than 43 pack-years] + [liver metastases] + [LDH >= 400 U/L] + [NLR >= 4], 0 to 5.

Heavy smokers do better, so that it is *not* being one that counts. The publications had patients of ECOG 0 to 2, and
print LDH in mg/dL, which is taken for a slip: the activity is in U/L. Two things could not be checked, since only
abstracts could be read: the limit of 43 pack-years for a heavy smoker, which is from memory, and the values at which
the publication's three groups begin, for which reason none are given here.

Source: Prelaj and others 2020, Clin Lung Cancer 21:365, doi:10.1016/j.cllc.2019.11.017, and 2019, Cancers 11:1954,
doi:10.3390/cancers11121954.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import ECOG, INVOLVED_LIVER, LDH, NLR, PACK_YEARS
from metachron.scores.score import Score, count

EPSILON = Score(
    name="epsilon",
    title="EPSILoN",
    inputs=(ECOG, PACK_YEARS, INVOLVED_LIVER, LDH, NLR),
    value=count(
        pl.col("ecog") >= 2.0,
        pl.col("pack_years") < 43.0,
        pl.col("involved_liver") == 1.0,
        pl.col("ldh") >= 400.0,
        pl.col("nlr") >= 4.0,
    ),
    equation="[ECOG >= 2] + [less than 43 pack-years] + [liver metastases] + [LDH >= 400 U/L] + [NLR >= 4]",
    higher_is="worse",
    population="advanced non-small-cell lung cancer under a PD-1 or PD-L1 inhibitor in the second or a later line",
    cancer_types=("nsclc",),
    source="Prelaj and others 2020, Clin Lung Cancer 21:365, doi:10.1016/j.cllc.2019.11.017; 2019, Cancers 11:1954, "
    "doi:10.3390/cancers11121954",
    checked="the abstracts of both publications: the five factors, their directions, LDH < 400 and NLR >= 4; 43 "
    "pack-years and the limits of the three groups could not be checked, and no groups are given",
)
