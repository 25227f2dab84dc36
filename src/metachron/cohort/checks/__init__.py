"""The rules that a cohort keeps, as data."""

from metachron.cohort.checks.catalogue import content_rules
from metachron.cohort.checks.rule import Finding, Rule, Tables, apply_rules

__all__ = ["Finding", "Rule", "Tables", "apply_rules", "content_rules"]
