"""What changes the effect of treatment: interactions of the arm with a baseline covariate, as effects at its levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from metachron.cohort.new_lesions import NEW_LESION
from metachron.inference.fit import Fit
from metachron.inference.predict.bands import quantiles
from metachron.inference.predict.draws import Draws, take_draws
from metachron.inference.predict.readings import effect_words
from metachron.joint import ParameterModel
from metachron.joint.covariates import Coding
from metachron.joint.durable_part import DURABLE
from metachron.joint.dynamics_part import columns_of

SCHEMA = {
    "quantity": pl.String, "arm": pl.String, "against": pl.String, "modifier": pl.String, "level": pl.String,
    "patients": pl.Int64,
    **{f"effect_{level}": pl.Float64 for level in ("q05", "q50", "q95")},
    **{f"times_reference_{level}": pl.Float64 for level in ("q05", "q50", "q95")},
    "probability_larger": pl.Float64,
}  # fmt: skip
Betas = Mapping[str, Float[np.ndarray, " draw"]]


def effect_modifiers(fit: Fit, *, draws: int = 2000) -> pl.DataFrame:
    """Return the effect of each arm at the levels of the covariates that it interacts with.

    Columns: quantity (a hazard ratio of death, a rate ratio of new lesions, a ratio of the odds of a durable response,
    a ratio of a parameter of the tumour); arm and against, the arms compared; modifier and level, of which the first is
    the reference (of a number its centre, and one step of it beyond); patients of the fitted cohort at that level (null
    for numbers, and without the cohort); effect_q05 to _q95; times_reference_q05 to _q95, the effect there over that at
    the reference level (their difference where the quantity is one); probability_larger, that it is larger there. Null
    for the reference.

    Effects on hazards are those beside the links: what a treatment does through the tumour comes on top. Interactions
    of more than two columns, and parameters with means by study and arm, are left out.
    """
    taken = take_draws(fit, draws)
    rows = [row for found in _blocks(fit, taken) for row in found]
    return _counted(fit, pl.DataFrame(rows, schema={k: v for k, v in SCHEMA.items() if k != "patients"}))


def _blocks(fit: Fit, taken: Draws) -> Iterator[Iterator[dict[str, Any]]]:
    terms, columns = fit.model.covariate_blocks(), fit.labels.columns

    def betas(block: str, site: str) -> Betas:
        values = np.asarray(taken.theta[f"{site}.beta"])
        return {name: values[:, index] for index, name in enumerate(columns[block])}

    for part in fit.model.processes:
        block = NEW_LESION if part.event == NEW_LESION else "hazard"
        what = "rate ratio of new lesions" if part.event == NEW_LESION else f"hazard ratio of {part.event}"
        if pairs := _with_arm(terms[block]):
            yield _rows(fit, what, pairs, betas(block, part.event), {}, ratio=True)
    if fit.model.durable is not None and (pairs := _with_arm(terms[DURABLE])):
        yield _rows(fit, "ratio of the odds of a durable response", pairs, betas(DURABLE, DURABLE), {}, ratio=True)
    for parameter in fit.model.dynamics.parameters if fit.model.dynamics else ():
        pairs = _with_arm(terms[parameter.name])
        if not pairs or parameter.group == "study-arm":
            continue
        words = effect_words(parameter.spec.transform, parameter.name.replace("_", " "))
        means = _means(fit, parameter, taken)
        yield _rows(
            fit, words.quantity, pairs, betas(parameter.name, parameter.label), means, ratio=words.unit == "ratio"
        )


def _with_arm(terms: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the interactions of the arm with one other column, and that column."""
    pairs = ((term, columns_of(term)) for term in terms)
    return [(t, next(c for c in own if c != "arm")) for t, own in pairs if len(own) == 2 and "arm" in own]


def _means(fit: Fit, parameter: ParameterModel, taken: Draws) -> Betas:
    """Return the mean of each arm, where the parameter has one of its own for each."""
    if parameter.group != "arm":
        return {}
    mean = np.asarray(taken.theta[f"{parameter.label}.mean"])
    return {arm: mean[:, index] for index, arm in enumerate(fit.labels.arms)}


def _rows(
    fit: Fit, quantity: str, pairs: list[tuple[str, str]], betas: Betas, means: Betas, *, ratio: bool
) -> Iterator[dict[str, Any]]:
    codings = fit.labels.codings
    reference, *others = codings["arm"].levels
    told = np.exp if ratio else np.asarray
    for term, modifier in pairs:
        coding = codings[modifier]
        for arm in others:
            own = f"arm={arm}"
            plain = betas.get(own, 0.0) + (means[arm] - means[reference] if means else 0.0)
            about = {"quantity": quantity, "arm": arm, "against": reference, "modifier": modifier}
            first, steps = _levels(coding)
            yield {**about, "level": first, **_quantiles("effect_", told(plain))}
            for level, name in steps:
                more = betas[f"{own}:{name}" if columns_of(term)[0] == "arm" else f"{name}:{own}"]
                yield {
                    **about,
                    "level": level,
                    **_quantiles("effect_", told(plain + more)),
                    **_quantiles("times_reference_", told(more)),
                    "probability_larger": float(np.mean(more > 0)),
                }


def _levels(coding: Coding) -> tuple[str, list[tuple[str, str]]]:
    """Return the reference level, and the others with the names of their design columns."""
    if coding.levels:
        return coding.levels[0], list(zip(coding.levels[1:], coding.names, strict=True))
    return f"{coding.centre:.4g}", [(f"{coding.centre + coding.per:.4g}", coding.names[0])]


def _quantiles(prefix: str, values: np.ndarray) -> dict[str, float]:
    return {f"{prefix}{level}": value for level, value in quantiles(values).items()}


def _counted(fit: Fit, found: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the number of patients at each level of a modifier that has levels."""
    none = pl.lit(None, dtype=pl.Int64).alias("patients")
    if fit.cohort is None or found.is_empty():
        return found.with_columns(none).select(list(SCHEMA))
    modifiers = [name for name in found["modifier"].unique() if fit.labels.codings[name].levels]
    counts = [
        fit.cohort.patients.select(pl.lit(name).alias("modifier"), pl.col(name).cast(pl.String).alias("level"))
        .group_by("modifier", "level").agg(pl.len().cast(pl.Int64).alias("patients"))
        for name in modifiers
    ]  # fmt: skip
    if not counts:
        return found.with_columns(none).select(list(SCHEMA))
    joined = found.join(pl.concat(counts), on=["modifier", "level"], how="left", maintain_order="left")
    return joined.select(list(SCHEMA))
