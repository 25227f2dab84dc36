"""The sections of a report, in their order."""

from metachron.report.blocks import Builder
from metachron.report.sections.checks import (
    new_lesion_check_section,
    progression_check_section,
    size_check_section,
    survival_check_section,
)
from metachron.report.sections.cohort import cohort_section
from metachron.report.sections.errors import prediction_errors_section
from metachron.report.sections.identifiability import identifiability_section
from metachron.report.sections.leave_one_out import leave_one_out_section
from metachron.report.sections.model import model_section
from metachron.report.sections.organs import organs_section
from metachron.report.sections.parameters import clinical_section, diagnostics_section, parameters_section
from metachron.report.sections.patients import individual_section, response_section
from metachron.report.sections.provenance import provenance_section
from metachron.report.sections.summary import RESEARCH_USE, summary_section
from metachron.report.sections.survival import comparison_section, survival_section

SECTIONS: tuple[Builder, ...] = (
    summary_section,
    model_section,
    cohort_section,
    clinical_section,
    organs_section,
    response_section,
    individual_section,
    survival_section,
    comparison_section,
    size_check_section,
    survival_check_section,
    progression_check_section,
    new_lesion_check_section,
    prediction_errors_section,
    leave_one_out_section,
    diagnostics_section,
    identifiability_section,
    parameters_section,
    provenance_section,
)

__all__ = ["RESEARCH_USE", "SECTIONS"]
