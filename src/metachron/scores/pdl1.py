"""PD-L1 expression in the categories of approved companion diagnostics.

Tumour proportion score (22C3; pembrolizumab in NSCLC): limits 1 and 50 %. Combined positive score (22C3): limits 1
(gastric, cervical, head and neck) and 10 (urothelial, oesophageal). SP142 (atezolizumab in NSCLC): the higher of two
classes, tumour cells at 1, 5 and 50 %, immune cells at 1, 5 and 10 % of the tumour area; class 3 is the approved one.

Sources: table 2 of doi:10.3389/fonc.2021.683419 for the limits of approval; Rittmeyer and others 2017,
doi:10.1016/S0140-6736(16)32517-X, for the classes of SP142. Approvals change: see the label of the drug.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import PDL1_CPS, PDL1_IC, PDL1_TC, PDL1_TPS
from metachron.scores.score import Group, Score, count

_APPROVALS = "FDA companion diagnostics, table 2 of doi:10.3389/fonc.2021.683419"


def _class(column: str, limits: tuple[float, ...]) -> pl.Expr:
    return count(*(pl.col(column) >= limit for limit in limits))


PDL1_TPS_CATEGORY = Score(
    name="pdl1-tps",
    title="PD-L1 tumour proportion score",
    inputs=(PDL1_TPS,),
    value=pl.col("pdl1_percent"),
    equation="the tumour proportion score in %",
    higher_is="better",
    population="non-small-cell lung cancer, pembrolizumab (assay 22C3)",
    cancer_types=("nsclc",),
    source=f"{_APPROVALS}; Reck 2016, doi:10.1056/NEJMoa1606774",
    checked="the table named as source",
    groups=(Group("below 1 %", 0), Group("1 to 49 %", 1), Group("50 % or more", 50)),
)
PDL1_CPS_CATEGORY = Score(
    name="pdl1-cps",
    title="PD-L1 combined positive score",
    inputs=(PDL1_CPS,),
    value=pl.col("pdl1_cps"),
    equation="PD-L1-positive tumour cells, lymphocytes and macrophages per 100 tumour cells, at most 100",
    higher_is="better",
    population="gastric, cervical, head and neck (limit 1), urothelial and oesophageal cancer (limit 10), "
    "pembrolizumab (assay 22C3)",
    source=_APPROVALS,
    checked="the table named as source",
    groups=(Group("below 1", 0), Group("1 to 9", 1), Group("10 or more", 10)),
)
PDL1_SP142_CATEGORY = Score(
    name="pdl1-sp142",
    title="PD-L1 on tumour and immune cells (SP142)",
    inputs=(PDL1_TC, PDL1_IC),
    value=pl.when(pl.col("pdl1_tc_percent").is_not_null() & pl.col("pdl1_ic_percent").is_not_null()).then(
        pl.max_horizontal(
            _class("pdl1_tc_percent", (1.0, 5.0, 50.0)), _class("pdl1_ic_percent", (1.0, 5.0, 10.0))
        )
    ),
    equation="max([TC >= 1] + [TC >= 5] + [TC >= 50], [IC >= 1] + [IC >= 5] + [IC >= 10])",
    higher_is="better",
    population="non-small-cell lung cancer, atezolizumab (assay SP142)",
    cancer_types=("nsclc",),
    source=f"Rittmeyer and others 2017, Lancet 389:255, doi:10.1016/S0140-6736(16)32517-X; {_APPROVALS}",
    checked="the limits: a table of phase III trials in a review; class 3: the table of approvals named as source",
    groups=(
        Group("TC0 and IC0", 0), Group("TC1 or IC1", 1), Group("TC2 or IC2", 2), Group("TC3 or IC3", 3),
    ),
)  # fmt: skip
