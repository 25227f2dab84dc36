"""Pareto k of leave-one-out, patient by patient."""

from __future__ import annotations

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.inference import Fit
from metachron.inference.criticism.loo import K_LIMIT
from metachron.report.figures.style import GREY, Chart, colour, new_chart
from metachron.report.numbers import Numbers

_NAMED = 8


def pareto_k(source: Fit | Numbers) -> Chart:
    """Return the Pareto k of each patient against the part of the log density that the patient's own data gave.

    The dashed line is the limit above which a patient's leave-one-out is not to be trusted; patients above it are
    named, eight at most.

    Raises
    ------
    ModelError
        When there is no leave-one-out of the fit (see `leave_one_out`).
    """
    numbers = Numbers.of(source)
    found = numbers.left_out
    if isinstance(found, str):
        raise ModelError(found)
    assert numbers.fit.cohort is not None
    table = found.table.join(numbers.fit.cohort.patients.select("patient", "arm"), on="patient")
    shown = table.filter(pl.col("pareto_k").is_finite())
    with new_chart(3.0) as chart:
        axes = chart.subplots()
        for index, arm in enumerate(numbers.arms):
            rows = shown.filter(pl.col("arm") == arm)
            axes.plot(
                rows["p_loo"], rows["pareto_k"], "os^D"[index % 4], ms=4, color=colour(index), alpha=0.7, label=arm
            )
        axes.axhline(K_LIMIT, color=GREY, lw=0.9, ls=(0, (4, 3)))
        for row in shown.filter(pl.col("pareto_k") > K_LIMIT).sort("pareto_k").tail(_NAMED).iter_rows(named=True):
            axes.annotate(
                row["patient"], (row["p_loo"], row["pareto_k"]), xytext=(4, 2), textcoords="offset points", fontsize=8
            )
        top = max(1.0, float(np.max(shown["pareto_k"].to_numpy(), initial=0.0)) + 0.1)
        axes.set_ylim(min(-0.3, float(np.min(shown["pareto_k"].to_numpy(), initial=0.0)) - 0.1), top)
        axes.set_xlabel("Log density that the patient's own data gave (p_loo)")
        axes.set_ylabel("Pareto k")
        axes.legend(loc="upper right", fontsize=8)
        return chart
