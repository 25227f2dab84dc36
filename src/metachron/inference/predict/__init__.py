"""Predictions from a fit: patients, arms, predictive checks, clinical numbers, tables for other software."""

from metachron.inference.predict.clinical import CHANGE, CHECK_WEEK, GROWTH_BEGINS, PROBABILITY, clinical_parameters
from metachron.inference.predict.curves import IndividualCurves, individual_curves
from metachron.inference.predict.durable import LIKELY, UNLIKELY, durable_by_arm, durable_probability
from metachron.inference.predict.estimates import individual_estimates
from metachron.inference.predict.export import export_tables, population_table, predicted_sizes
from metachron.inference.predict.hazard_ratio import hazard_ratio_over_time
from metachron.inference.predict.modifiers import effect_modifiers
from metachron.inference.predict.new_lesion_check import new_lesion_vpc
from metachron.inference.predict.new_lesion_organs import new_lesion_organs
from metachron.inference.predict.organ_response import (
    Agreement,
    agreement,
    progressions,
    recorded_by_organ,
    response_by_organ,
)
from metachron.inference.predict.organs import has_organs, organ_parameters, variance_shares
from metachron.inference.predict.population_survival import standardised_survival, survival_by_arm
from metachron.inference.predict.progression_check import progression_vpc, recorded_progressions
from metachron.inference.predict.recorded import (
    best_changes,
    describe_arms,
    event_times,
    kaplan_meier_of,
    recorded_sizes,
    size_changes,
    span_of_response,
)
from metachron.inference.predict.size_check import SizeCheck, size_vpc
from metachron.inference.predict.survival_check import survival_vpc

__all__ = [
    "CHANGE",
    "CHECK_WEEK",
    "GROWTH_BEGINS",
    "LIKELY",
    "PROBABILITY",
    "UNLIKELY",
    "Agreement",
    "IndividualCurves",
    "SizeCheck",
    "agreement",
    "best_changes",
    "clinical_parameters",
    "describe_arms",
    "durable_by_arm",
    "durable_probability",
    "effect_modifiers",
    "event_times",
    "export_tables",
    "has_organs",
    "hazard_ratio_over_time",
    "individual_curves",
    "individual_estimates",
    "kaplan_meier_of",
    "new_lesion_organs",
    "new_lesion_vpc",
    "organ_parameters",
    "population_table",
    "predicted_sizes",
    "progression_vpc",
    "progressions",
    "recorded_by_organ",
    "recorded_progressions",
    "recorded_sizes",
    "response_by_organ",
    "size_changes",
    "size_vpc",
    "span_of_response",
    "standardised_survival",
    "survival_by_arm",
    "survival_vpc",
    "variance_shares",
]
