"""Honest criticism of a fit: leave-one-out by patient and comparison of models."""

from metachron.inference.criticism.compare import Comparison, compare_fits
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out

__all__ = ["Comparison", "LeaveOneOut", "compare_fits", "leave_one_out"]
