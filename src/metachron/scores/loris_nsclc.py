"""LORIS for non-small-cell lung cancer: with PD-L1 in place of age and cancer type.

LORIS = 1 / (1 + exp(-S)),
S = 0.0353 min(TMB, 50) + 0.0111 PD-L1 - 0.375 PSTH + 0.2924 albumin - 0.0103 min(NLR, 25) - 1.5593,

PD-L1 the tumour proportion score in %; the other inputs as in `metachron.scores.loris`. The authors' parameters hold a
term of age too, of 0.00003 per year, that their formula leaves out. It was made on the lung cancers with PD-L1 of both
Chowell_train and Chowell_test.

Source: Chang and others 2024, Nat Cancer 5:1158, doi:10.1038/s43018-024-00772-7; coefficients from the authors'
repository rootchang/LORIS (README).
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import ALBUMIN, NLR, PDL1_TPS, PRIOR_SYSTEMIC, TMB
from metachron.scores.loris import SOURCE, TRUNCATIONS, logistic
from metachron.scores.score import Group, Score

LORIS_NSCLC = Score(
    name="loris-nsclc",
    title="LORIS, NSCLC (LLR6)",
    inputs=(TMB, PDL1_TPS, PRIOR_SYSTEMIC, ALBUMIN, NLR),
    value=logistic(
        0.0353 * pl.col("tmb_per_mb")
        + 0.0111 * pl.col("pdl1_percent")
        - 0.375 * pl.col("prior_systemic_therapy")
        + 0.2924 * pl.col("albumin_g_per_dl")
        - 0.0103 * pl.col("nlr")
        - 1.5593
    ),
    equation="1 / (1 + exp(-S)), S = 0.0353 min(TMB, 50) + 0.0111 PD-L1 - 0.375 prior systemic therapy "
    "+ 0.2924 albumin - 0.0103 min(NLR, 25) - 1.5593",
    higher_is="better",
    population="advanced non-small-cell lung cancer under a PD-1 or PD-L1 inhibitor",
    cancer_types=("nsclc",),
    source=SOURCE,
    checked="README, code/12 and parameter files of rootchang/LORIS; cut-off: code/10",
    groups=(Group("low"), Group("high", 0.44)),
    truncations=tuple(rule for rule in TRUNCATIONS if rule.column != "age_year"),
)
