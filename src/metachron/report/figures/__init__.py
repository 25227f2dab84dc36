"""Figures of a fit. Each function takes a `Fit` and returns a Matplotlib figure that a notebook shows as it is."""

from metachron.report.figures.chains import traces
from metachron.report.figures.differences import elpd_differences, patient_differences
from metachron.report.figures.errors import event_errors, size_errors
from metachron.report.figures.individual import individual_fits
from metachron.report.figures.organs import organ_parameters, progression_origins
from metachron.report.figures.pareto import pareto_k
from metachron.report.figures.response import spider, waterfall
from metachron.report.figures.size_check import size_check
from metachron.report.figures.stages import stage_estimates
from metachron.report.figures.style import Chart
from metachron.report.figures.survival import (
    new_lesion_check,
    progression_check,
    standardised,
    survival_check,
    survival_fit,
)

__all__ = [
    "Chart",
    "elpd_differences",
    "event_errors",
    "individual_fits",
    "new_lesion_check",
    "organ_parameters",
    "pareto_k",
    "patient_differences",
    "progression_check",
    "progression_origins",
    "size_check",
    "size_errors",
    "spider",
    "stage_estimates",
    "standardised",
    "survival_check",
    "survival_fit",
    "traces",
    "waterfall",
]
