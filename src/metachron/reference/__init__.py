"""Posteriors of public trials that are shipped with metachron, with cards that say what they are good for."""

from metachron.reference.card import Card
from metachron.reference.checks import check_reference
from metachron.reference.forecasting import forecast_from
from metachron.reference.recipes import RECIPES, make_reference
from metachron.reference.reference import Reference, load_reference, reference_names
from metachron.reference.scoring import score_from
from metachron.reference.skill import beside_best, skill_in_words

__all__ = [
    "RECIPES",
    "Card",
    "Reference",
    "beside_best",
    "check_reference",
    "forecast_from",
    "load_reference",
    "make_reference",
    "reference_names",
    "score_from",
    "skill_in_words",
]
