"""Who benefits: markers that tell outcome, markers that tell which treatment, and what a rule of treatment is worth."""

from metachron.benefit.added_value import AddedValue, added_value
from metachron.benefit.assessment import MarkerAssessment, conclude, tabulate
from metachron.benefit.benefit_calibration import calibrate_benefit
from metachron.benefit.c_for_benefit import c_for_benefit
from metachron.benefit.cohort_imputation import imputed_cohorts
from metachron.benefit.comparison import Comparison, compare_arms
from metachron.benefit.curves import BenefitCurve, benefit_curve, hazard_ratio_curve
from metachron.benefit.cutoff import CutoffSearch, search_cutoff
from metachron.benefit.decision_curve import DecisionCurve, decision_curve, net_benefit, response_decision_curve
from metachron.benefit.endpoint import ENDPOINTS, RESPONDERS, read_endpoint
from metachron.benefit.forecast_benefit import forecast_benefit
from metachron.benefit.growth import GrowthStudy, assess_growth
from metachron.benefit.imputation import impute_marker
from metachron.benefit.imputed_fits import PooledEstimate, estimate_imputed, fit_imputed
from metachron.benefit.interaction import Missing, assess_marker, assess_markers
from metachron.benefit.joint_screening import ModelScreening, marker_models, rank_markers, screen_in_model
from metachron.benefit.landmark import LandmarkTable, landmark_table
from metachron.benefit.learning import cox_functions
from metachron.benefit.logistic import LogisticFit, fit_logistic
from metachron.benefit.marker_names import read_marker, read_markers
from metachron.benefit.marker_test import MarkerTest
from metachron.benefit.markers import Marker, MarkerCoding, code_marker
from metachron.benefit.multiplicity import benjamini_hochberg, holm
from metachron.benefit.on_treatment import on_treatment_markers
from metachron.benefit.outcome import TrialOutcome, response_outcome, survival_outcome
from metachron.benefit.power import InteractionPower, interaction_power
from metachron.benefit.predicted_benefit import CoxBenefit, fit_cox_benefit, survival_benefit
from metachron.benefit.questions import Questions
from metachron.benefit.rubin import Pooled, pool
from metachron.benefit.rule_value import RuleValue, cross_validated_rule_value, learn_by_regression, rule_value
from metachron.benefit.screening import Screening, screen_markers
from metachron.benefit.shrinkage import HeterogeneityPrior, Shrunk, shrink
from metachron.benefit.splines import RestrictedSpline, learn_spline
from metachron.benefit.study import MarkerStudy, study_markers
from metachron.benefit.subgroups import SubgroupForest, subgroup_forest
from metachron.benefit.validation import Validation, validate

__all__ = [
    "ENDPOINTS",
    "RESPONDERS",
    "AddedValue",
    "BenefitCurve",
    "Comparison",
    "CoxBenefit",
    "CutoffSearch",
    "DecisionCurve",
    "GrowthStudy",
    "HeterogeneityPrior",
    "InteractionPower",
    "LandmarkTable",
    "LogisticFit",
    "Marker",
    "MarkerAssessment",
    "MarkerCoding",
    "MarkerStudy",
    "MarkerTest",
    "Missing",
    "ModelScreening",
    "Pooled",
    "PooledEstimate",
    "Questions",
    "RestrictedSpline",
    "RuleValue",
    "Screening",
    "Shrunk",
    "SubgroupForest",
    "TrialOutcome",
    "Validation",
    "added_value",
    "assess_growth",
    "assess_marker",
    "assess_markers",
    "benefit_curve",
    "benjamini_hochberg",
    "c_for_benefit",
    "calibrate_benefit",
    "code_marker",
    "compare_arms",
    "conclude",
    "cox_functions",
    "cross_validated_rule_value",
    "decision_curve",
    "estimate_imputed",
    "fit_cox_benefit",
    "fit_imputed",
    "fit_logistic",
    "forecast_benefit",
    "hazard_ratio_curve",
    "holm",
    "impute_marker",
    "imputed_cohorts",
    "interaction_power",
    "landmark_table",
    "learn_by_regression",
    "learn_spline",
    "marker_models",
    "net_benefit",
    "on_treatment_markers",
    "pool",
    "rank_markers",
    "read_endpoint",
    "read_marker",
    "read_markers",
    "response_decision_curve",
    "response_outcome",
    "rule_value",
    "screen_in_model",
    "screen_markers",
    "search_cutoff",
    "shrink",
    "study_markers",
    "subgroup_forest",
    "survival_benefit",
    "survival_outcome",
    "tabulate",
    "validate",
]
