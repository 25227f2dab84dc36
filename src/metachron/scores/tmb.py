"""Tumour mutational burden in the approved categories: high from 10 mutations/Mb on, both bounds as in the label.

Source: FDA approval of pembrolizumab for TMB-high solid tumours, 16 June 2020, companion diagnostic FoundationOne CDx;
Marabelle and others 2020, Lancet Oncol 21:1353, doi:10.1016/S1470-2045(20)30445-9. Burdens of other panels are not
exchangeable with that of the diagnostic.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import TMB
from metachron.scores.score import Group, Score

TMB_CATEGORY = Score(
    name="tmb-high",
    title="Tumour mutational burden, high (TMB-H)",
    inputs=(TMB,),
    value=pl.col("tmb_per_mb"),
    equation="mutations/Mb of tissue",
    higher_is="better",
    population="solid tumours that progressed on earlier treatment, pembrolizumab (FoundationOne CDx)",
    source="FDA approval of 16 June 2020; Marabelle and others 2020, Lancet Oncol 21:1353, "
    "doi:10.1016/S1470-2045(20)30445-9",
    checked="the text of the approval (>= 10 mutations/megabase), on the manufacturer's page",
    groups=(Group("not high", 0), Group("high", 10)),
)
