"""Out-of-fold forecasts: the model fitted without the patients whom it then foretells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.forecast.foretold import Predicted, join, predict
from metachron.forecast.score import score_predicted
from metachron.forecast.scores import Scores
from metachron.forecast.source import Source
from metachron.inference import fit
from metachron.joint import JointModel


def cross_validate(
    model: JointModel,
    cohort: Cohort,
    *,
    landmarks_and_horizons: Sequence[tuple[float, float]],
    covariates: Sequence[str] = (),
    folds: int = 5,
    draws: int = 1000,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
    **settings: Any,
) -> Scores:
    """Return scores of forecasts by K-fold cross-validation; competitors are taught by the same folds.

    Parameters
    ----------
    landmarks_and_horizons : days, from day 0, of the forecasts and of the horizons at which they are judged.
    covariates : baseline columns of the Cox models that the forecast is held against.
    folds : parts of the cohort, of patients drawn at random within arms.
    settings : of `metachron.inference.fit`.

    Raises
    ------
    ModelError
        When there are fewer than two folds, or more than patients.
    """
    if not 2 <= folds <= cohort.patients.height:
        raise ModelError(f"cross-validation needs 2 folds at least, and no more than patients; found folds = {folds}")
    parts: dict[tuple[float, float], list[Predicted]] = {}
    for number, out in enumerate(_folds(cohort, folds, seed), start=1):
        train = cohort.select([patient for patient in cohort.patient_ids if patient not in out])
        test = cohort.select(sorted(out))
        if tell is not None:
            tell(f"fold {number} of {folds}: {train.patients.height} patients fitted, {len(out)} foretold")
        source = Source.of(fit(model, train, seed=seed + number, check=False, **settings))
        for days in landmarks_and_horizons:
            found = predict(source, train, test, *days, covariates=covariates, draws=draws, seed=seed)
            parts.setdefault(days, []).append(found)
    scores = score_predicted([join(each) for each in parts.values()], seed=seed)
    note = f"{folds}-fold cross-validation on {cohort.name}: every patient foretold by a fit without that fold."
    return replace(scores, notes=(note, *scores.notes))


def _folds(cohort: Cohort, folds: int, seed: int) -> list[set[str]]:
    rng = np.random.default_rng(seed)
    found: list[set[str]] = [set() for _ in range(folds)]
    turn = 0
    for arm in cohort.arms:
        own = cohort.patients.filter(cohort.patients["arm"] == arm)["patient"].to_list()
        for patient in rng.permutation(own):
            found[turn % folds].add(str(patient))
            turn += 1
    return found
