"""Honest criticism of a fit: leave-one-out by patient and comparison of models."""

from metachron.inference.criticism.compare import Comparison, compare_fits
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out
from metachron.inference.criticism.models import ModelComparison, compare_models

__all__ = ["Comparison", "LeaveOneOut", "ModelComparison", "compare_fits", "compare_models", "leave_one_out"]
