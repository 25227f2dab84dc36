"""Does a marker tell how tumours grow and shrink (prognostic), or how treatment changes that (predictive)?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from metachron.base import ModelError
from metachron.benefit.assessment import MarkerAssessment, adjust_p_values
from metachron.benefit.cohort_imputation import imputed_cohorts
from metachron.benefit.comparison import choose_arms, leave_out
from metachron.benefit.growth_fits import GrowthFits, GrowthQuestion
from metachron.benefit.interaction import AVERAGED, Missing, refuse_prediction
from metachron.benefit.marker_terms import WORDS
from metachron.benefit.marker_test import refuse
from metachron.benefit.markers import Marker, MarkerCoding, as_markers, code_marker
from metachron.benefit.maxima import Maxima
from metachron.benefit.multiplicity import benjamini_hochberg
from metachron.cohort import Cohort
from metachron.cohort.seen_sizes import sizes_of

NO_SIZES = "no tumour size"
NOT_AVERAGED = "not asked of tumour sizes"


@dataclass(frozen=True, eq=False)
class GrowthStudy:
    """What markers say of the parameters of tumour growth.

    Attributes
    ----------
    assessments : one per marker and parameter; ``endpoint`` is the parameter, ``measure`` what effects are, and
        ``events`` counts sizes. Conclusions rest on p values adjusted by Holm over all rows, each question by itself.
    table : one row each: marker, step, parameter, measure, patients, sizes, left_out, imputed; of either question
        (``prognostic``: the marker in the control arm, ``predictive``: the interaction) effect, lower, upper (where
        there is one term), p, wald_p, p_holm, p_fdr (Benjamini-Hochberg); conclusion, refused, note.
    law, refused : law of the sizes; why the predictive question was not asked, empty where it was.
    left_out : patients left out of every row, and why; each assessment names those who miss its marker too.
    """

    assessments: tuple[MarkerAssessment, ...]
    table: pl.DataFrame
    law: str
    refused: str
    left_out: pl.DataFrame


def assess_growth(
    cohort: Cohort,
    markers: Sequence[Marker | str],
    *,
    control: str,
    randomised: bool,
    treatment: str | None = None,
    law: str = "stein-fojo",
    observation: str | None = None,
    parameters: Sequence[str] | None = None,
    adjust: Sequence[Marker | str] = (),
    by_study: bool = False,
    missing: Missing | None = None,
    likelihood_ratio: bool = True,
    level: float = 0.05,
    seed: int = 1,
    tell: Callable[[str], None] = lambda sentence: None,
) -> GrowthStudy:
    r"""Return whether each marker is prognostic or predictive of parameters of tumour growth.

    A law of tumour size alone is fitted by maximum likelihood, patient effects integrated out. Of each parameter asked
    for, on its transform scale (the log of a rate), with :math:`x` the marker and :math:`a` the arm,

    .. math:: \psi = \mu + \alpha a + \beta x + \gamma a x + \zeta z + \eta, \qquad \eta \sim N(0, \omega^2)

    Predictive means :math:`\gamma \ne 0`, prognostic :math:`\beta \ne 0` in the control arm, fitted by itself. The
    marker is on all parameters asked for at once, and taken off one of them for its likelihood ratio.

    Parameters
    ----------
    control, treatment, randomised, level : see `metachron.benefit.assess_marker`.
    law, observation : names of a law and of an observation law; see `metachron.joint.compose`.
    parameters : ``"growth"``, ``"shrinkage"``, ``"resistant fraction"`` or ``"baseline"``, where the law has them, or
        names of its parameters; None: growth, and shrinkage where the law has one.
    adjust : covariates of the same parameters. Patients who miss one are left out and named.
    by_study : means by study and arm, for randomisation within studies. There is no effect by level then.
    missing : complete cases unless given; after imputation the Wald tests (Rubin's rules) stand alone.
    likelihood_ratio : False fits no models without the marker: Wald tests alone, in a third to a half of the time.
    seed : of the nodes of the integrals.
    tell : called with a sentence before every fit.

    Raises
    ------
    InputError, ModelError
        See `metachron.benefit.code_marker`; when nobody has sizes, or the law has no such parameter. A question whose
        model has no maximum that is found is refused, not raised.

    Notes
    -----
    Sizes end with progression and death. Where what ends them depends on sizes as they were recorded, the likelihood is
    not biased; where it depends on more, ask a joint model (`metachron.benefit.screen_in_model`). Source of the model:
    Stein 2008, doi:10.1634/theoncologist.2008-0075; covariates of its parameters: Claret 2009,
    doi:10.1200/JCO.2008.21.0807.
    """
    arms = choose_arms(cohort, control, treatment)
    chosen = cohort.select(arms=[arm for arm in arms if arm])
    chosen, left_out = _with_sizes(chosen)
    chosen, adjustment, gone = _adjusted(chosen, as_markers(adjust))
    left_out = pl.concat([left_out, *gone])
    strata = ("study",) if by_study else ()
    refused = refuse_prediction(*arms, chosen.patients["study"], randomised=randomised, strata=strata)
    fits = GrowthFits.of(
        law,
        observation,
        tuple(parameters) if parameters is not None else _usual(law, observation),
        arms,
        adjustment,
        by_study=by_study,
        likelihood_ratio=likelihood_ratio,
        maxima=Maxima(seed, tell),
    )
    asked = _Asked(chosen, fits, left_out, refused, missing or Missing(), level)
    found = [one for marker in as_markers(markers) for one in asked.assess(marker)]
    if not found:
        raise ModelError("name at least one marker and one parameter")
    adjusted = adjust_p_values(found)
    return GrowthStudy(adjusted, _tabulate(adjusted), law, refused, left_out)


def _usual(law: str, observation: str | None) -> tuple[str, ...]:
    """Return growth, and shrinkage where the law has one."""
    from metachron.joint import compose

    part = compose(dynamics=law, observation=observation, hazard=None).dynamics
    known = {parameter.name for parameter in part.parameters} if part else set()
    return ("growth", "shrinkage") if known.intersection(WORDS["shrinkage"]) else ("growth",)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Patients with sizes, and how markers are asked about."""

    cohort: Cohort
    fits: GrowthFits
    left_out: pl.DataFrame
    refused: str
    missing: Missing
    level: float

    def assess(self, marker: Marker) -> list[MarkerAssessment]:
        """Return the answers of one marker, a parameter each."""
        coding = code_marker(marker, self.cohort.patients)
        lacking = coding.missing(self.cohort.patients)
        if lacking.any() and self.missing.by == "imputation":
            absent = self.cohort.patients["patient"].filter(pl.Series(lacking))
            made = imputed_cohorts(
                self.cohort, [marker], imputations=self.missing.imputations, seed=self.missing.seed,
                auxiliary=self.missing.auxiliary,
            )  # fmt: skip
            return self._assess(coding, made, self.left_out, tuple(absent))
        part, gone = leave_out(self.cohort, lacking, f"{marker.column} is missing")
        return self._assess(coding, (part,), pl.concat([self.left_out, gone]), ())

    def _assess(
        self, coding: MarkerCoding, cohorts: Sequence[Cohort], left_out: pl.DataFrame, imputed: tuple[str, ...]
    ) -> list[MarkerAssessment]:
        question = GrowthQuestion(self.fits, coding, tuple(cohorts), 1.0 - self.level)
        prognostic, predictive = question.in_control(), question.predictive(self.refused)
        return [
            MarkerAssessment(
                marker=coding.marker,
                coding=coding,
                endpoint=place.name,
                measure=place.measure,
                control=self.fits.control,
                treatment=self.fits.treatment,
                prognostic=prognostic[place].test,
                averaged=refuse(AVERAGED, NOT_AVERAGED),
                predictive=predictive[place].test,
                levels=question.levels(place, predictive[place]),
                risk_differences=pl.DataFrame(),
                prognostic_p=prognostic[place].test.p_value,
                predictive_p=predictive[place].test.p_value,
                level=self.level,
                left_out=left_out,
                imputed=imputed,
            )
            for place in self.fits.places
        ]


def _with_sizes(cohort: Cohort) -> tuple[Cohort, pl.DataFrame]:
    """Return the cohort of patients who have a size, and the others by name."""
    sized = sizes_of(cohort, cohort.limit_mm)["patient"].unique().implode()
    without = (~cohort.patients["patient"].is_in(sized)).to_numpy()
    if without.all():
        raise ModelError(f"no patient of {cohort.name!r} has a tumour size: growth cannot be asked about")
    return leave_out(cohort, without, NO_SIZES)


def _adjusted(cohort: Cohort, markers: Sequence[Marker]) -> tuple[Cohort, tuple[MarkerCoding, ...], list[pl.DataFrame]]:
    """Return the patients who have the adjustment, its codings, and the others by name."""
    gone = []
    for marker in markers:
        lacking = code_marker(marker, cohort.patients).missing(cohort.patients)
        cohort, absent = leave_out(cohort, lacking, f"{marker.column} is missing")
        gone.append(absent)
    return cohort, tuple(code_marker(marker, cohort.patients) for marker in markers), gone


def _tabulate(found: Sequence[MarkerAssessment]) -> pl.DataFrame:
    table = pl.DataFrame([_row(one) for one in found], infer_schema_length=None)
    for name in ("prognostic", "predictive"):
        rate = benjamini_hochberg(table[f"{name}_p"].fill_null(np.nan).to_numpy())
        table = table.with_columns(pl.Series(f"{name}_p_fdr", rate))
    return table


def _row(one: MarkerAssessment) -> dict[str, object]:
    row: dict[str, object] = {
        "marker": one.marker.label,
        "step": one.coding.step if one.coding.continuous else None,
        "parameter": one.endpoint,
        "measure": one.measure,
        "patients": one.predictive.patients,
        "sizes": one.predictive.events,
        "left_out": one.left_out.height,
        "imputed": len(one.imputed),
    }
    for name, test, adjusted in (
        ("prognostic", one.prognostic, one.prognostic_p), ("predictive", one.predictive, one.predictive_p),
    ):  # fmt: skip
        row |= {f"{name}_{key}": value for key, value in test.single.items()}
        row |= {f"{name}_p": test.p_value, f"{name}_wald_p": test.wald_p, f"{name}_p_holm": adjusted}
    tests = (one.prognostic, one.predictive)
    return row | {
        "conclusion": one.conclusion,
        "refused": "; ".join(dict.fromkeys(test.refused for test in tests if test.refused)),
        "note": "; ".join(dict.fromkeys(test.note for test in tests if test.note)),
    }
