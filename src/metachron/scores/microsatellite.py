"""Microsatellite instability, as determined by an approved test: MSI-H or not.

Source: FDA approval of pembrolizumab for MSI-H or mismatch-repair-deficient solid tumours, 23 May 2017; Lemery and
others 2017, N Engl J Med 377:1409, doi:10.1056/NEJMp1709968.
"""

from __future__ import annotations

import polars as pl

from metachron.scores.inputs import MSI
from metachron.scores.score import Group, Score

MSI_CATEGORY = Score(
    name="msi-high",
    title="Microsatellite instability, high (MSI-H)",
    inputs=(MSI,),
    value=pl.col("msi_unstable"),
    equation="1 where the tumour is MSI-H, else 0",
    higher_is="better",
    population="solid tumours that progressed on earlier treatment, pembrolizumab",
    source="FDA approval of 23 May 2017; Lemery and others 2017, N Engl J Med 377:1409, doi:10.1056/NEJMp1709968",
    checked="the text of the approval; the test itself is not computed here",
    groups=(Group("not MSI-H", 0), Group("MSI-H", 1)),
)
