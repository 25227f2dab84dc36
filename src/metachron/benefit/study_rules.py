"""What treating by one marker would be worth: cross-validated where it was found, and as learned there elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from metachron.base import InputError, ModelError
from metachron.benefit.markers import MarkerCoding
from metachron.benefit.outcome import TrialOutcome
from metachron.benefit.rule_value import RuleValue, cross_validated_rule_value, learn_by_regression, rule_value

_SCHEMA = {
    "marker": pl.String, "where": pl.String, "patients": pl.Int64, "policy": pl.String, "method": pl.String,
    "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "treat_share": pl.Float64,
}  # fmt: skip


def rules_of(
    codings: Sequence[MarkerCoding],
    patients: Mapping[str, pl.DataFrame],
    outcomes: Mapping[str, TrialOutcome],
    *,
    repeats: int,
    level: float,
    seed: int,
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the value of the rule of each marker alone, and the reason of each that has none.

    The rule treats where regressions of the outcome on the marker, by arm, expect a benefit. In the first cohort it is
    cross-validated; in others the rule learned from all patients of the first one is judged. Patients who miss the
    marker are in neither.

    Parameters
    ----------
    patients, outcomes : by cohort, the first one that in which markers were coded.
    level : confidence of the intervals.
    """
    tables, failed = [], {}
    for coding in codings:
        try:
            found = _of_marker(coding, patients, outcomes, repeats=repeats, level=level, seed=seed)
        except (InputError, ModelError) as error:
            failed[coding.marker.label] = str(error)
            continue
        for where, value in found.items():
            tables.append(
                value.table.select(
                    pl.lit(coding.marker.label).alias("marker"), pl.lit(where).alias("where"),
                    pl.lit(value.patients).cast(pl.Int64).alias("patients"), "policy", "method", "value", "lower",
                    "upper", pl.lit(value.treat_share).alias("treat_share"),
                )
            )  # fmt: skip
    return (pl.concat(tables) if tables else pl.DataFrame(schema=_SCHEMA)), failed


def _of_marker(
    coding: MarkerCoding,
    patients: Mapping[str, pl.DataFrame],
    outcomes: Mapping[str, TrialOutcome],
    *,
    repeats: int,
    level: float,
    seed: int,
) -> dict[str, RuleValue]:
    first, *others = patients
    learn = learn_by_regression(coding.terms)
    table, outcome = _known(coding, patients[first], outcomes[first])
    found = {
        f"cross-validated in {first}": cross_validated_rule_value(
            table, outcome, learn, repeats=repeats, level=level, seed=seed
        )
    }
    rule = learn(table, outcome)
    for other in others:
        if coding.marker.column not in patients[other].columns:
            continue
        own, after = _known(coding, patients[other], outcomes[other])
        if own.height:
            found[other] = rule_value(rule(own), after, level=level, seed=seed)
    return found


def _known(coding: MarkerCoding, patients: pl.DataFrame, outcome: TrialOutcome) -> tuple[pl.DataFrame, TrialOutcome]:
    """Return the marker's design columns and the outcome of those who have it."""
    columns = coding.columns(patients)
    known = ~np.isnan(columns).any(axis=1)
    return pl.DataFrame(columns[known], schema=list(coding.terms), orient="row"), outcome.rows(known)
