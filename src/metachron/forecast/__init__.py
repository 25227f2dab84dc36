"""Forecasts of patients and cohorts, and their scores."""

from metachron.forecast.forecast import Forecast, forecast
from metachron.forecast.source import Source

__all__ = ["Forecast", "Source", "forecast"]
