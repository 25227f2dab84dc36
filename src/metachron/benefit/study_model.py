"""All markers of a study in one model: how well it foretells, corrected for optimism, and in another cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import InputError, ModelError
from metachron.benefit.c_for_benefit import c_for_benefit
from metachron.benefit.comparison import Comparison
from metachron.benefit.decision_curve import DecisionCurve, decision_curve
from metachron.benefit.learning import cox_functions, cross_fit
from metachron.benefit.markers import MarkerCoding
from metachron.benefit.outcome import survival_outcome
from metachron.benefit.predicted_benefit import CoxBenefit, with_products
from metachron.benefit.validation import Validation, validate
from metachron.survival import Estimate
from metachron.survival.observed import Observed

_TREATED = "treated"
MODEL = "model"
FOLDS = 5


@dataclass(frozen=True, eq=False)
class StudyModel:
    """A Cox model of treatment and all markers that every cohort has, with their products where that was asked.

    ``markers`` : their names; ``validation`` of survival at the horizon; ``decisions`` : net benefit of acting on the
    risk of the event by then, in the other cohort, without one out of fold; ``benefit`` : the c-for-benefit in the
    other cohort, of a model that was not learned there; None without one.
    """

    markers: tuple[str, ...]
    validation: Validation
    decisions: DecisionCurve
    benefit: Estimate | None


def model_of_markers(
    codings: Sequence[MarkerCoding],
    places: Mapping[str, Comparison],
    *,
    horizon_year: float,
    products: bool,
    samples: int,
    level: float,
    seed: int,
) -> StudyModel | str:
    """Return the model and what it is worth, or why there is none.

    Patients who miss a marker are left out; markers that a cohort does not have are left out of the model.

    Parameters
    ----------
    places : by cohort, the first that in which markers were coded.
    products : whether treatment has a product with every marker: only where the predictive question can be asked.
    samples : of the bootstrap.
    """
    used = [c for c in codings if all(c.marker.column in place.patients.columns for place in places.values())]
    if not used or any(not isinstance(place.outcome, Observed) for place in places.values()):
        return "a model of all markers is of survival, and of markers that every cohort has"
    try:
        tables = [_table(used, place, products=products) for place in places.values()]
        names = [name for name in tables[0].columns if name not in ("time_year", "event")]
        fit, predict = cox_functions(names, horizon_year=horizon_year)
        other = tables[1] if len(tables) > 1 else None
        validation = validate(
            tables[0], fit, predict, horizon_year=horizon_year, external=other, samples=samples, level=level, seed=seed
        )
        cox = fit(tables[0])
        shown = tables[0] if other is None else other
        if other is None:
            alive = cross_fit(shown, fit, predict, folds=FOLDS, repeats=1, seed=seed)[0][0]
        else:
            alive = predict(cox, other)
        decisions = decision_curve(
            {MODEL: 1.0 - alive}, shown["time_year"], shown["event"], horizon_year=horizon_year, samples=samples,
            level=level, seed=seed,
        )  # fmt: skip
        benefit = None
        if products and other is not None:
            terms = tuple(term for coding in used for term in coding.terms)
            outcome = survival_outcome(
                other["time_year"], other["event"], treated=other[_TREATED] > 0, horizon_year=horizon_year
            )
            predicted = CoxBenefit(cox, terms).benefit(other, horizon_year=horizon_year)
            benefit = c_for_benefit(predicted, outcome, level=level, seed=seed)
    except (InputError, ModelError) as error:
        return str(error)
    return StudyModel(tuple(coding.marker.label for coding in used), validation, decisions, benefit)


def _table(codings: Sequence[MarkerCoding], place: Comparison, *, products: bool) -> pl.DataFrame:
    assert isinstance(place.outcome, Observed)
    columns = {term: values for c in codings for term, values in zip(c.terms, c.columns(place.patients).T, strict=True)}
    data = {"time_year": place.outcome.time, "event": place.outcome.event} | columns
    table = pl.DataFrame(data if place.treatment is None else data | {_TREATED: place.treated})
    if place.treatment is not None and products:
        table = with_products(table, list(columns), place.treated)
    known = ~np.isnan(np.column_stack(list(columns.values()))).any(axis=1)
    return table.filter(pl.Series(known))
