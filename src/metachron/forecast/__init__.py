"""Forecasts of patients and cohorts, and their scores."""

from metachron.forecast.forecast import Forecast, forecast

__all__ = ["Forecast", "forecast"]
