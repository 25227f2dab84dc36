"""Survival estimators that models are compared with: Kaplan-Meier, restricted mean, log-rank, IPCW and Cox."""

from metachron.survival.censoring import CensoringSurvival, censoring_survival, censoring_weights
from metachron.survival.cox import CoxFit, fit_cox
from metachron.survival.estimate import Estimate
from metachron.survival.kaplan_meier import KaplanMeier, kaplan_meier
from metachron.survival.log_rank import LogRankTest, log_rank
from metachron.survival.plateau import Plateau, plateau
from metachron.survival.pseudo_values import pseudo_values
from metachron.survival.restricted_mean import RestrictedMeanDifference, restricted_mean, restricted_mean_difference

__all__ = [
    "CensoringSurvival",
    "CoxFit",
    "Estimate",
    "KaplanMeier",
    "LogRankTest",
    "Plateau",
    "RestrictedMeanDifference",
    "censoring_survival",
    "censoring_weights",
    "fit_cox",
    "kaplan_meier",
    "log_rank",
    "plateau",
    "pseudo_values",
    "restricted_mean",
    "restricted_mean_difference",
]
