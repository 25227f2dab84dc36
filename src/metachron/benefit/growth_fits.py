"""Models of tumour size with a marker, fitted with it and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from metachron.base import MetachronError, Transform
from metachron.benefit.fitting import TermsFit
from metachron.benefit.interaction import IN_CONTROL, PREDICTIVE, TREATED, interaction_terms
from metachron.benefit.levels import effects_at_levels, marker_levels
from metachron.benefit.marker_terms import (
    find_place,
    in_table,
    products,
    refuse_collinear,
    term_names,
    with_codings,
    with_columns,
    with_terms,
)
from metachron.benefit.marker_test import MarkerTest, answer, refuse
from metachron.benefit.markers import MarkerCoding
from metachron.benefit.maxima import Maxima
from metachron.cohort import Cohort
from metachron.cohort.seen_sizes import sizes_of

if TYPE_CHECKING:
    from metachron.inference import Estimate
    from metachron.joint import JointModel

_RATIOS = ("effect", "lower", "upper")


@dataclass(frozen=True)
class Place:
    """A parameter that a marker may move: its name and label, and what effects on it are."""

    name: str
    label: str
    measure: str
    ratio: bool


@dataclass(frozen=True, eq=False)
class Answered:
    """The answer for one parameter, and the fits that it rests on (none where refused)."""

    test: MarkerTest
    fits: tuple[TermsFit, ...] = ()


@dataclass(frozen=True, eq=False)
class GrowthFits:
    """What all fits have in common.

    Attributes
    ----------
    base : the law with means by arm (or study and arm), and the adjustment on the parameters asked for.
    adjustment : codings of the adjustment, in columns ``adjust_term_1`` ...
    """

    base: JointModel
    places: tuple[Place, ...]
    control: str
    treatment: str | None
    adjustment: tuple[MarkerCoding, ...]
    by_study: bool
    likelihood_ratio: bool
    maxima: Maxima

    @classmethod
    def of(
        cls,
        law: str,
        observation: str | None,
        parameters: Sequence[str],
        arms: tuple[str, str | None],
        adjustment: tuple[MarkerCoding, ...],
        *,
        by_study: bool,
        likelihood_ratio: bool,
        maxima: Maxima,
    ) -> GrowthFits:
        """Return the model without markers, and the places at which they are asked about."""
        from metachron.joint import compose

        base = compose(dynamics=law, observation=observation, hazard=None)
        asked = tuple(dict.fromkeys(find_place(base, name)[0] for name in parameters))
        assert base.dynamics is not None
        group = "study-arm" if by_study else "arm"
        means = tuple(
            replace(p, group=group if p.name in asked or p.group == "arm" else p.group)  # type: ignore[arg-type]
            for p in base.dynamics.parameters
        )
        base = replace(base, dynamics=replace(base.dynamics, parameters=means))
        names = term_names(sum(len(coding.terms) for coding in adjustment), "adjust_term")
        for name in asked:
            base = with_terms(base, name, names)
        places = tuple(_place(p.name, p.label, p.spec.transform) for p in means if p.name in asked)
        return cls(base, places, *arms, adjustment, by_study, likelihood_ratio, maxima)


def _place(name: str, label: str, transform: Transform) -> Place:
    measure = {
        Transform.LOG: f"ratio of {name}",
        Transform.LOGIT: f"ratio of the odds of {name}",
        Transform.IDENTITY: f"difference in {name}, working scale of the law",
    }[transform]
    return Place(name, label, measure, transform is not Transform.IDENTITY)


@dataclass(frozen=True, eq=False)
class GrowthQuestion:
    """One marker, coded, in one complete cohort or several imputed ones."""

    fits: GrowthFits
    coding: MarkerCoding
    cohorts: tuple[Cohort, ...]
    confidence: float

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the marker's columns in the model."""
        return term_names(len(self.coding.terms))

    def in_control(self) -> Mapping[Place, Answered]:
        """Return the effect of the marker in the control arm alone."""
        parts = [cohort.select(arms=[self.fits.control]) for cohort in self.cohorts]
        named = dict(zip(self.coding.terms, self.terms, strict=True))
        return self._answer(IN_CONTROL, parts, named, self.coding.terms)

    def predictive(self, refused: str) -> Mapping[Place, Answered]:
        """Return the interaction of the marker with treatment, or the reason for which it was not asked."""
        if refused:
            return self._refused(PREDICTIVE, self.cohorts, refused)
        tested = interaction_terms(self.coding)
        named = dict(zip(self.coding.terms, self.terms, strict=True))
        named |= dict(zip(tested, products(self.terms), strict=True))
        return self._answer(PREDICTIVE, self.cohorts, named, tested)

    def levels(self, place: Place, answered: Answered) -> pl.DataFrame:
        """Return the effect of treatment at levels of the marker; empty where prediction or its means are not there."""
        if not answered.fits or self.fits.by_study:
            return pl.DataFrame()
        levels = marker_levels(self.coding, self.cohorts[0].patients)
        freedom = max(answered.test.patients - len(answered.fits[0].terms), 1.0)
        table = effects_at_levels(
            answered.fits, levels, treated=TREATED, complete_freedom=freedom, confidence=self.confidence
        )
        return table if place.ratio else table.with_columns(pl.col(_RATIOS).log())

    def _answer(
        self, question: str, cohorts: Sequence[Cohort], named: Mapping[str, str], tested: tuple[str, ...]
    ) -> Mapping[Place, Answered]:
        """Return answers by place; ``named`` gives the model's name of each term, ``tested`` those asked about."""
        try:
            coded = [self._coded(cohort) for cohort in cohorts]
            refuse_collinear(coded[0], named, self.fits.treatment)
            what = f"{self.coding.marker.label}, {question}"
            full = [self.fits.maxima.find(self._model(tuple(named.values())), cohort, what) for cohort in coded]
        except (MetachronError, np.linalg.LinAlgError) as error:
            return self._refused(question, cohorts, str(error))
        made = list(zip(full, coded, strict=True))
        return {place: self._answer_at(place, question, made, named, tested) for place in self.fits.places}

    def _answer_at(
        self,
        place: Place,
        question: str,
        made: Sequence[tuple[Estimate, Cohort]],
        named: Mapping[str, str],
        tested: tuple[str, ...],
    ) -> Answered:
        what = f"{self.coding.marker.label}, {question}"
        patients, sizes = _count(made[0][1])
        try:
            found = tuple(self._terms(place, full, cohort, named, tested, what) for full, cohort in made)
        except (MetachronError, np.linalg.LinAlgError) as error:
            return Answered(refuse(question, str(error), patients=patients, events=sizes))
        test = replace(
            answer(question, found, patients=patients, events=patients, confidence=self.confidence), events=sizes
        )
        if not place.ratio:
            test = replace(test, effects=test.effects.with_columns(pl.col(_RATIOS).log()))
        return Answered(test, found)

    def _terms(
        self,
        place: Place,
        full: Estimate,
        cohort: Cohort,
        named: Mapping[str, str],
        tested: tuple[str, ...],
        what: str,
    ) -> TermsFit:
        weights = {
            term: {f"{place.label}.beta[{in_table(name, self.fits.treatment)}]": 1.0} for term, name in named.items()
        }
        if tested != tuple(named) and not self.fits.by_study:
            means = {self.fits.treatment: 1.0, self.fits.control: -1.0}
            weights = {TREATED: {f"{place.label}.mean[{arm}]": sign for arm, sign in means.items()}, **weights}
        null = None
        if self.fits.likelihood_ratio and len(self.cohorts) == 1:
            off = {named[term] for term in tested}
            model = self._model(tuple(named.values()), at=place, without=off)
            null = self.fits.maxima.find(model, cohort, f"{what}: without it on {place.name}")
        return self.fits.maxima.compare(full, null, weights, tested)

    def _model(
        self, names: Sequence[str], *, at: Place | None = None, without: set[str] | frozenset[str] = frozenset()
    ) -> JointModel:
        """Return the model with terms on every parameter asked for; some left away at one of them."""
        model = self.fits.base
        for place in self.fits.places:
            model = with_terms(model, place.name, [name for name in names if place != at or name not in without])
        used = [column for column in model.covariate_columns if column != "arm"]
        return with_codings(model, used, self.fits.control if "arm" in model.covariate_columns else None)

    def _coded(self, cohort: Cohort) -> Cohort:
        """Return the cohort with the columns of marker and adjustment."""
        columns = dict(zip(self.terms, self.coding.columns(cohort.patients).T, strict=True))
        own = [coding.columns(cohort.patients) for coding in self.fits.adjustment]
        if own:
            matrix = np.concatenate(own, axis=1)
            columns |= dict(zip(term_names(matrix.shape[1], "adjust_term"), matrix.T, strict=True))
        return with_columns(cohort, columns)

    def _refused(self, question: str, cohorts: Sequence[Cohort], reason: str) -> Mapping[Place, Answered]:
        patients, sizes = _count(cohorts[0])
        return {
            place: Answered(refuse(question, reason, patients=patients, events=sizes)) for place in self.fits.places
        }


def _count(cohort: Cohort) -> tuple[int, int]:
    """Return the numbers of patients and of their sizes."""
    return cohort.patients.height, sizes_of(cohort, cohort.limit_mm).height
