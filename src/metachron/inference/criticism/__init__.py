"""Honest criticism of a fit: prediction errors, residuals, leave-one-out, comparison, what the data leave open."""

from metachron.inference.criticism.compare import Comparison, compare_fits
from metachron.inference.criticism.criticism import Criticism, criticise
from metachron.inference.criticism.event_errors import event_npde
from metachron.inference.criticism.identifiability import Finding, find_unidentified
from metachron.inference.criticism.loo import LeaveOneOut, leave_one_out
from metachron.inference.criticism.models import ModelComparison, compare_models
from metachron.inference.criticism.normal_tests import NormalTests, PredictionErrors
from metachron.inference.criticism.residuals import individual_residuals
from metachron.inference.criticism.size_errors import size_npde

__all__ = [
    "Comparison",
    "Criticism",
    "Finding",
    "LeaveOneOut",
    "ModelComparison",
    "NormalTests",
    "PredictionErrors",
    "compare_fits",
    "compare_models",
    "criticise",
    "event_npde",
    "find_unidentified",
    "individual_residuals",
    "leave_one_out",
    "size_npde",
]
