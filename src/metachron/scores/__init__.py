"""Published scores of prognosis and benefit, and molecular features from variant tables."""

from metachron.scores.auc import Auc, AucDifference, compare_auc, response_auc
from metachron.scores.compute import compute_scores
from metachron.scores.registry import SCORES, list_scores
from metachron.scores.result import ScoreTable
from metachron.scores.score import Group, Input, Score, Truncation

__all__ = [
    "SCORES",
    "Auc",
    "AucDifference",
    "Group",
    "Input",
    "Score",
    "ScoreTable",
    "Truncation",
    "compare_auc",
    "compute_scores",
    "list_scores",
    "response_auc",
]
