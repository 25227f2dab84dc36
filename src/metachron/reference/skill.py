"""How well forecasts from a reference posterior were met: measured scores, kept beside it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metachron.base import FitFileError
from metachron.forecast.scores import CRPS_OF_LOG_SIZE, FREE_OF, INTEGRATED_BRIER, MODEL, SIZES_OF, SURVIVAL_OF

FILE = "skill.csv"
_PAIR = ["landmark_day", "horizon_day"]
_COLUMNS = {*_PAIR, "of", "method", "patients", "score", "value", "low", "high"}
_DECISIVE = {SURVIVAL_OF: INTEGRATED_BRIER, FREE_OF: INTEGRATED_BRIER, SIZES_OF: CRPS_OF_LOG_SIZE}
"""The proper score that a verdict rests on, by what is forecast."""


def read_skill(folder: Path) -> pl.DataFrame | None:
    """Return the measured scores of a reference posterior, in the columns of `metachron.forecast.Scores`.

    None where none have been measured.

    Raises
    ------
    FitFileError
        When the file is there and cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        scores = pl.read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FitFileError(f"{path}: the measured scores cannot be read ({error})") from error
    if missing := _COLUMNS - set(scores.columns):
        raise FitFileError(f"{path}: columns {', '.join(sorted(missing))} are missing from the measured scores")
    return scores


def beside_best(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the model's proper score and that of the best simple method: smaller is better.

    One row per what is forecast, landmark and horizon.
    """
    decisive = pl.any_horizontal(*((pl.col("of") == of) & (pl.col("score") == name) for of, name in _DECISIVE.items()))
    own = scores.filter(decisive)
    keys = ["of", "score", *_PAIR]
    model = own.filter(pl.col("method") == MODEL).select(*keys, "patients", pl.col("value").alias("model"))
    others = own.filter(pl.col("method") != MODEL).sort("value").group_by(keys, maintain_order=True).first()
    best = others.select(*keys, pl.col("method").alias("best_other"), pl.col("value").alias("other"))
    return model.join(best, on=keys, how="left", maintain_order="left")


def skill_in_words(scores: pl.DataFrame | None) -> str:
    """Return in how many pairs of landmark and horizon the model did better than the best of the simple methods."""
    if scores is None:
        return "not measured"
    sentences = []
    for (of, measure), both in beside_best(scores).group_by("of", "score", maintain_order=True):
        better = int((both["model"] < both["other"]).sum())
        rest = f"; in {both.height - better} a simpler method does as well or better" if better < both.height else ""
        sentences.append(
            f"By {measure} of {of}, the model is better than the best competitor in {better} of {both.height} pairs of "
            f"landmark and horizon{rest}."
        )
    return " ".join(sentences)
