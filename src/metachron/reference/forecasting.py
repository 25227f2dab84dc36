"""Forecasts from a reference posterior, whose parts may be of patients who could not be matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from metachron.cohort import Cohort
from metachron.forecast import Forecast, Source, forecast
from metachron.inference import Fit
from metachron.reference.reference import Reference


def forecast_from(
    source: Reference | Fit | Source,
    cohort: Cohort,
    *,
    landmark_day: float,
    horizon_day: float,
    options: Sequence[str] | None = None,
    **settings: Any,
) -> Forecast:
    """Return the forecast of patients from a reference posterior, or from a fit; arguments and errors as `forecast`.

    Where sizes and survival are not of the same patients, each part is forecast alone: scans do not update survival,
    being alive does not update sizes, and nothing is said of both together.
    """
    found = [
        forecast(part, cohort, landmark_day=landmark_day, horizon_day=horizon_day, options=options, **settings)
        for part in (source.parts.values() if isinstance(source, Reference) else (source,))
    ]
    first, *others = found
    return _merged(first, others[0]) if others else first


def _merged(sizes: Forecast, survival: Forecast) -> Forecast:
    """Return the two forecasts as one, the part of each named where it matters."""
    order = pl.Enum(sizes.reliability["patient"].to_list())
    tables = {
        name: pl.concat([getattr(sizes, name), getattr(survival, name)]).sort(
            pl.col("patient").cast(order), maintain_order=True
        )
        for name in ("outcomes", "differences")
    }
    both = sizes.reliability.join(survival.reliability, on="patient", suffix="_survival", maintain_order="left")
    reliability = both.select(
        "patient",
        pl.max_horizontal("pareto_k", "pareto_k_survival"),
        pl.min_horizontal("effective_draws", "effective_draws_survival"),
        "progressed_before",
        pl.concat_str(pl.col("imputed"), pl.col("imputed_survival")).alias("imputed"),
        pl.col("sampled") | pl.col("sampled_survival"),
        pl.col("reliable") & pl.col("reliable_survival"),
    )
    rests_on = {
        **sizes.rests_on,
        "model": f"{sizes.rests_on['model']}; apart from it, {survival.rests_on['model']}",
        "fit": f"sizes: {sizes.rests_on['fit']}; survival: {survival.rests_on['fit']}",
    }
    return replace(
        sizes,
        **tables,
        survival=survival.survival,
        reliability=reliability,
        notes=tuple(dict.fromkeys([*sizes.notes, *survival.notes])),
        rests_on=rests_on,
        model_file=f"{sizes.model_file}\n{survival.model_file}",
    )
