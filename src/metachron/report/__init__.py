"""Reports: figures, tables and sentences of a fit, in one HTML file or one by one in a notebook."""

from metachron.report.compared import write_comparison_report
from metachron.report.forecasts import write_forecast_page
from metachron.report.trials import write_trial_page
from metachron.report.two_staged import write_two_stage_report
from metachron.report.write import write_report

__all__ = [
    "write_comparison_report",
    "write_forecast_page",
    "write_report",
    "write_trial_page",
    "write_two_stage_report",
]
