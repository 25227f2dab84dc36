"""Who benefits: markers that tell outcome, markers that tell which treatment, and what a rule of treatment is worth."""

from metachron.benefit.assessment import MarkerAssessment, conclude, tabulate
from metachron.benefit.comparison import Comparison, compare_arms
from metachron.benefit.cutoff import CutoffSearch, search_cutoff
from metachron.benefit.endpoint import ENDPOINTS, RESPONDERS, read_endpoint
from metachron.benefit.imputation import impute_marker
from metachron.benefit.interaction import Missing, assess_marker, assess_markers
from metachron.benefit.logistic import LogisticFit, fit_logistic
from metachron.benefit.marker_test import MarkerTest
from metachron.benefit.markers import Marker, MarkerCoding, code_marker
from metachron.benefit.multiplicity import benjamini_hochberg, holm
from metachron.benefit.power import InteractionPower, interaction_power
from metachron.benefit.rubin import Pooled, pool
from metachron.benefit.screening import Screening, screen_markers
from metachron.benefit.shrinkage import HeterogeneityPrior, Shrunk, shrink
from metachron.benefit.subgroups import SubgroupForest, subgroup_forest

__all__ = [
    "ENDPOINTS",
    "RESPONDERS",
    "Comparison",
    "CutoffSearch",
    "HeterogeneityPrior",
    "InteractionPower",
    "LogisticFit",
    "Marker",
    "MarkerAssessment",
    "MarkerCoding",
    "MarkerTest",
    "Missing",
    "Pooled",
    "Screening",
    "Shrunk",
    "SubgroupForest",
    "assess_marker",
    "assess_markers",
    "benjamini_hochberg",
    "code_marker",
    "compare_arms",
    "conclude",
    "fit_logistic",
    "holm",
    "impute_marker",
    "interaction_power",
    "pool",
    "read_endpoint",
    "screen_markers",
    "search_cutoff",
    "shrink",
    "subgroup_forest",
    "tabulate",
]
