"""LORIS, pan-cancer: probability-like score of response to a checkpoint inhibitor from six features.

LORIS = 1 / (1 + exp(-S)),
S = 0.0371 min(TMB, 50) - 0.8775 PSTH + 0.5382 albumin - 0.033 min(NLR, 25) + 0.0049 min(age, 85) + C - 2.0886,

TMB in mutations/Mb of a tissue panel, albumin in g/dL, age in years; PSTH is 1 after chemotherapy or targeted therapy
before the checkpoint inhibitor, else 0; C is the term of the cancer type in `CANCER_TERM`.

Source: Chang and others 2024, Nat Cancer 5:1158, doi:10.1038/s43018-024-00772-7; coefficients from the authors'
repository rootchang/LORIS (README). The regression was weighted so that responders and non-responders count the same:
0.5 is not a probability of response of one half.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import AGE, ALBUMIN, NLR, PRIOR_SYSTEMIC, TMB
from metachron.scores.score import Group, Input, Score, Truncation

CANCER_TERM = {
    "bladder": -0.3323, "breast": -0.3323, "colorectal": -0.102, "endometrial": -0.0079, "esophageal": 0.55,
    "gastric": 0.2306, "head & neck": 0.0678, "hepatobiliary": -0.1189, "melanoma": -0.0086, "mesothelioma": 0.1255,
    "nsclc": 0.0008, "ovarian": -0.052, "pancreatic": -1.1169, "renal": 0.5451, "sarcoma": 0.0542, "sclc": -0.0033,
}  # fmt: skip
"""Term of each cancer type that the score was made on; rootchang/LORIS, README."""
SPELLINGS = {"oesophageal": "esophageal", "head and neck": "head & neck"}
NOT_IN_TRAINING = ("cns", "unknown primary", "not in training data")
"""Labels that take C = 0, as the authors' own program (rootchang/LORIS_GUI) does for "Not in training data".

The first two are those of the workbook's cohort MSK2. Any other label is reported and not scored, so that a spelling
of a known cancer does not silently become an unknown one.
"""
_TERMS = CANCER_TERM | {ours: CANCER_TERM[theirs] for ours, theirs in SPELLINGS.items()}
_TERMS |= dict.fromkeys(NOT_IN_TRAINING, 0.0)
CANCER_TYPE = Input("cancer_type", "", "cancer type, as in the LORIS workbook", "label", levels=tuple(_TERMS))
TRUNCATIONS = (Truncation("tmb_per_mb", 50), Truncation("nlr", 25), Truncation("age_year", 85))
SOURCE = "Chang and others 2024, Nat Cancer 5:1158, doi:10.1038/s43018-024-00772-7"
GROUPS = (Group("low"), Group("high", 0.5))
"""The authors' absolute cut-off: rootchang/LORIS, code/07_2, absoluteCutoff = 0.5, high from 0.5 on."""


def logistic(exponent: pl.Expr) -> pl.Expr:
    """Return 1 / (1 + exp(-exponent))."""
    return 1.0 / (1.0 + (-exponent).exp())


LORIS = Score(
    name="loris-pan-cancer",
    title="LORIS, pan-cancer (LLR6)",
    inputs=(TMB, PRIOR_SYSTEMIC, ALBUMIN, NLR, AGE, CANCER_TYPE),
    value=logistic(
        0.0371 * pl.col("tmb_per_mb")
        - 0.8775 * pl.col("prior_systemic_therapy")
        + 0.5382 * pl.col("albumin_g_per_dl")
        - 0.033 * pl.col("nlr")
        + 0.0049 * pl.col("age_year")
        + pl.col("cancer_type").replace_strict(_TERMS, return_dtype=pl.Float64)
        - 2.0886
    ),
    equation="1 / (1 + exp(-S)), S = 0.0371 min(TMB, 50) - 0.8775 prior systemic therapy + 0.5382 albumin "
    "- 0.033 min(NLR, 25) + 0.0049 min(age, 85) + term of the cancer type - 2.0886",
    higher_is="better",
    population="advanced solid tumours of 16 types under a PD-1, PD-L1 or CTLA-4 inhibitor",
    cancer_types=tuple(CANCER_TERM) + tuple(SPELLINGS),
    source=SOURCE,
    checked="README, code/12 and parameter files of rootchang/LORIS; cut-off: code/07_2",
    groups=GROUPS,
    truncations=TRUNCATIONS,
    example="the scores of 841 patients stored in sheet MSK_nonICB of the LORIS workbook",
)
