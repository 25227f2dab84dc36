"""Reports: figures, tables and sentences of a fit, in one HTML file or one by one in a notebook."""

from metachron.report.write import write_report

__all__ = ["write_report"]
