"""``metachron biomarkers COHORT --outcome os --markers A,B --out DIR [--external COHORT]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from metachron.base import DAYS_PER_YEAR, InputError, ModelError, list_briefly
from metachron.cli.arguments import CohortName, Mapping
from metachron.cli.console import note, say, show_json, show_table
from metachron.cli.model_options import split_names
from metachron.cli.reading import read_cohort

if TYPE_CHECKING:
    from metachron.benefit import Marker
    from metachron.cohort import Cohort

Outcome = Literal["os", "pfs", "response", "growth"]
_GROWTH = (
    "marker", "parameter", "conclusion", "patients", "prognostic_effect", "prognostic_p_holm", "predictive_effect",
    "predictive_p_holm",
)  # fmt: skip
_COLUMN = "arm"
_SHOWN = (
    "marker", "conclusion", "patients", "events", "effect_in_control", "prognostic_p", "ratio_of_effects",
    "predictive_p", "external",
)  # fmt: skip


def biomarkers(
    cohort: CohortName,
    /,
    *,
    outcome: Annotated[
        Outcome, Parameter(help="Overall or progression-free survival, best response, or tumour growth.")
    ],
    markers: Annotated[
        list[str],
        Parameter(help="Columns of patients, sqrt(COLUMN), log1p(COLUMN), COLUMN>=CUT, or genes; commas between."),
    ],
    out: Annotated[Path, Parameter(help="Folder for tables, figures and report.html.")],
    treatment: Annotated[
        str | None, Parameter(help="The arm whose benefit is asked for; 'arm': the one beside the control.")
    ] = None,
    control: Annotated[
        str | None, Parameter(help="The arm that it is compared with. [default: that of a named data set]")
    ] = None,
    randomised: Annotated[
        bool, Parameter(negative="", help="Patients were randomised between the arms; named data sets say it.")
    ] = False,
    external: Annotated[str | None, Parameter(help="Another cohort, in which the same is asked.")] = None,
    adjust: Annotated[list[str] | None, Parameter(help="Covariates in every model, as markers are named.")] = None,
    strata: Annotated[list[str] | None, Parameter(help="Columns whose levels have baselines of their own.")] = None,
    missing: Annotated[
        Literal["complete-cases", "imputation"], Parameter(help="What becomes of patients who miss a marker.")
    ] = "complete-cases",
    sequenced: Annotated[str | None, Parameter(help="Column that says who was sequenced, for genes.")] = None,
    horizon_day: Annotated[float | None, Parameter(help="To which days lived are counted.")] = None,
    law: Annotated[str, Parameter(help="Law of tumour size, for growth; see `metachron model list`.")] = "stein-fojo",
    permutations: Annotated[int, Parameter(help="Of the family-wise p values.")] = 1000,
    seed: Annotated[int, Parameter(help="Of everything that is drawn.")] = 1,
    mapping: Mapping = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Ask of each marker whether it tells the outcome (prognostic), the effect of treatment (predictive), or both.

    The report begins with the answers; then how sure they are, effects by level, curves of benefit, cut-offs with their
    correction, subgroups, and what treating by the marker would be worth. With another cohort the same is asked there.

    metachron biomarkers oak-clinical --outcome os --treatment arm --markers btmb,STK11,histology \
        --external poplar-clinical --out oak-markers
    """
    from metachron.benefit import Missing, Questions, read_marker, read_markers, study_markers
    from metachron.report.biomarkers import write_marker_report

    out.mkdir(parents=True, exist_ok=True)
    own = read_cohort(cohort, mapping)
    other = read_cohort(external, None) if external else None
    own, asked, other = read_markers(own, split_names(markers), sequenced=sequenced, together=other)
    asking: dict[str, Any] = {
        "control": _control(own, control, treatment),
        "treatment": None if treatment == _COLUMN else treatment,
        "randomised": randomised or own.provenance.get("randomised") == "yes",
        "adjust": tuple(read_marker(text) for text in split_names(adjust or [])),
        "missing": Missing("imputation" if missing == "imputation" else "complete cases", seed=seed),
        "seed": seed,
    }
    if outcome == "growth":
        by_study = _by_study(split_names(strata or []), horizon_day)
        _ask_growth(own, other, asked, {**asking, "law": law, "by_study": by_study}, out, as_json=json)
        return
    questions = Questions(
        endpoint=outcome,
        strata=split_names(strata or []),
        horizon_year=None if horizon_day is None else horizon_day / DAYS_PER_YEAR,
        permutations=permutations,
        **asking,
    )
    found = study_markers(own, asked, questions, external=other, tell=note)
    written = write_marker_report(found, out)
    if json:
        show_json({name: table.to_dicts() for name, table in found.tables().items()})
    else:
        show_table(found.answers().select(_SHOWN if found.external else _SHOWN[:-1]))
        if found.refused:
            say(f"not asked whether markers are predictive: {found.refused}")
    note(f"written: {list_briefly([str(path) for path in written], 40)}")


def _ask_growth(
    own: Cohort, other: Cohort | None, asked: tuple[Marker, ...], asking: dict[str, Any], out: Path, *, as_json: bool
) -> None:
    """Ask about growth, in the other cohort too as far as it has the markers, and write what was found."""
    from metachron.benefit import assess_growth
    from metachron.benefit.study import has_marker, name_beside
    from metachron.cli.compilation_cache import keep_compiled_models
    from metachron.report.growth import write_growth_report

    keep_compiled_models()
    first = assess_growth(own, asked, tell=note, **asking)
    found, unavailable = {own.name: first}, {}
    if other is not None:
        fixed = {one.marker.label: one.coding.fixed for one in first.assessments}
        known = {label: marker for label, marker in fixed.items() if has_marker(other, marker)}
        unavailable = {label: f"not available in {other.name}" for label in fixed if label not in known}
        try:
            if known:
                found[name_beside(own, other)] = assess_growth(other, list(known.values()), tell=note, **asking)
        except (InputError, ModelError) as error:
            unavailable |= dict.fromkeys(known, f"cannot be asked in {other.name}: {error}")
    one = first.assessments[0]
    arms = "one arm" if one.treatment is None else f"{one.treatment} against {one.control}"
    written = write_growth_report(found, out, arms=arms, unavailable=unavailable)
    if as_json:
        show_json({name: study.table.to_dicts() for name, study in found.items()})
    for name, study in found.items() if not as_json else ():
        say(name)
        show_table(study.table.select(_GROWTH))
    note(f"written: {list_briefly([str(path) for path in written], 40)}")


def _by_study(strata: tuple[str, ...], horizon_day: float | None) -> bool:
    """Return whether growth is asked within studies; what else strata and a horizon would mean there is refused."""
    if horizon_day is not None or strata not in ((), ("study",)):
        raise ModelError("growth has no horizon, and no strata but study: leave out --horizon-day and other --strata")
    return bool(strata)


def _control(cohort: Cohort, control: str | None, treatment: str | None) -> str:
    """Return the control arm: as named, as the data set says, or the only one that is left."""
    if control is not None:
        return control
    if known := cohort.provenance.get("control arm"):
        return known
    left = [arm for arm in cohort.arms if arm != treatment]
    if len(left) == 1:
        return left[0]
    raise ModelError(f"name the control arm (--control); the cohort has the arms {list_briefly(cohort.arms)}")
