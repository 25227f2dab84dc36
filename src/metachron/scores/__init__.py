"""Published scores of prognosis and benefit, and molecular features from variant tables."""

from metachron.scores.allele_fractions import allele_fraction_summaries
from metachron.scores.auc import Auc, AucDifference, compare_auc, response_auc
from metachron.scores.burden import BLOOD_TMB, BurdenRule, mutational_burden
from metachron.scores.compute import compute_scores
from metachron.scores.features import with_features
from metachron.scores.genes import LUNG_GENES, gene_alterations
from metachron.scores.registry import SCORES, list_scores
from metachron.scores.result import ScoreTable
from metachron.scores.score import Group, Input, Score, Truncation
from metachron.scores.sequencing import sequenced_patients
from metachron.scores.variants import PROTEIN_CHANGING, VariantFilter, select_variants

__all__ = [
    "BLOOD_TMB",
    "LUNG_GENES",
    "PROTEIN_CHANGING",
    "SCORES",
    "Auc",
    "AucDifference",
    "BurdenRule",
    "Group",
    "Input",
    "Score",
    "ScoreTable",
    "Truncation",
    "VariantFilter",
    "allele_fraction_summaries",
    "compare_auc",
    "compute_scores",
    "gene_alterations",
    "list_scores",
    "mutational_burden",
    "response_auc",
    "select_variants",
    "sequenced_patients",
    "with_features",
]
