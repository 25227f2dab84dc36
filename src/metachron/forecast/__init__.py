"""Forecasts of patients and cohorts, and their scores."""

from metachron.forecast.cross_validation import cross_validate
from metachron.forecast.forecast import forecast
from metachron.forecast.result import Forecast
from metachron.forecast.score import score
from metachron.forecast.scores import Scores
from metachron.forecast.source import Source
from metachron.forecast.trial import TrialForecast, forecast_trial

__all__ = [
    "Forecast",
    "Scores",
    "Source",
    "TrialForecast",
    "cross_validate",
    "forecast",
    "forecast_trial",
    "score",
]
