"""How each reference posterior is made: data, models and card. ``metachron reference make`` runs a recipe again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from metachron.base import ModelError
from metachron.cohort import Cohort
from metachron.cohort.read import load
from metachron.forecast import Source
from metachron.inference import fit
from metachron.joint import Covariate, JointModel, compose
from metachron.reference.card import Card
from metachron.reference.checks import record
from metachron.reference.reference import Reference, write_part

Tell = Callable[[str], None]
SETTINGS: Mapping[str, Any] = {"chains": 2, "draws": 1000, "seed": 1}
NOT_AT_HAND = (
    "Patients of a trial are selected: all had to be fit enough, and to have measurable disease, to enter it.",
    "The trial knew no other options, and one line of treatment; later treatments are in its survival as they were.",
)


@dataclass(frozen=True)
class Recipe:
    """What a reference posterior is made of: for every part a cohort and a model, and the words of the card."""

    name: str
    title: str
    data: str
    who: str
    use: str
    cannot_tell: tuple[str, ...]
    parts: Mapping[str, Callable[[], tuple[JointModel, Cohort]]]
    covariates: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def _colorectal() -> tuple[JointModel, Cohort]:
    """Of the links that gsf supports, the current size foretells patients left out best (`metachron compare`).

    The arm is in both hazards too: without it, all that the options do would have to go through the size. The rate of
    new lesions has no link of its own: with one to the current size, the sampler meets a corner and little is gained.
    """
    links = ["current-size", "new-lesion-frailty"]
    model = compose(dynamics="gsf", hazard="weibull", links=links, covariates=["arm"], new_lesions="weibull")
    assert model.new_lesions is not None
    rate = replace(model.new_lesions.hazard, covariates=("arm",))
    model = replace(model, new_lesions=replace(model.new_lesions, hazard=rate))
    return replace(model, covariates=(Covariate("arm", reference="sequential"),)), load("ffcd2000-05")


def _pembrolizumab() -> tuple[JointModel, Cohort]:
    cohort = load("inspire")
    with_pdl1 = cohort.select(cohort.patients.drop_nulls("pdl1_percent")["patient"].to_list())
    patients = with_pdl1.patients.with_columns((pl.col("baseline_ctdna") + 1.0).log().alias("log_baseline_ctdna"))
    model = compose(links=["log-growth"], covariates=["pdl1_percent", "log_tmb", "log_baseline_ctdna"])
    model = replace(model, covariates=(Covariate("pdl1_percent", per=10.0),))
    return model, with_pdl1.with_rows({"patients": patients})


def _lung_sizes() -> tuple[JointModel, Cohort]:
    return compose(dynamics="stein-fojo", hazard=None), load("atezolizumab-oak")


def _lung_survival() -> tuple[JointModel, Cohort]:
    columns = ["arm", "sex", "age_year", "ecog", "histology", "met_sites", "smoking"]
    coded = (
        Covariate("arm", reference="docetaxel"),
        Covariate("age_year", per=10.0),
        Covariate("smoking", reference="never"),
    )
    model = compose(dynamics=None, hazard="log-logistic", covariates=columns)
    return replace(model, covariates=coded), load("oak-clinical")


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "mcrc-ffcd",
            "metastatic colorectal cancer, first line: sequential or combination chemotherapy",
            "ffcd2000-05: 150 patients of the trial FFCD 2000-05, whose sizes, new lesions and deaths are of the same "
            "person",
            "Adults with unresectable metastatic colorectal cancer in France, 2002 to 2006, no earlier chemotherapy "
            "for it, randomised to fluorouracil first and oxaliplatin after progression, or to both from the start.",
            "Learning how sum of diameters, new lesions and survival go together under the two strategies; comparing "
            "new data with this trial; teaching. Not for the care of patients.",
            (
                "These are 150 of the trial's 410 patients, and treatments of 2002 to 2006: no antibodies, no "
                "molecular selection.",
                "In which organ a new lesion appears is not known of them, only when one was found.",
                *NOT_AT_HAND,
            ),
            {"joint": _colorectal},
            settings={"engine": "nuts", "chains": 4, "draws": 2000, "target_acceptance": 0.98},
        ),
        Recipe(
            "pembrolizumab-inspire",
            "advanced solid tumours: pembrolizumab in five cohorts (INSPIRE)",
            "inspire: 93 of 94 patients with PD-L1 measured; sizes and deaths are of the same person",
            "Adults with advanced head and neck, triple-negative breast, ovarian cancer, melanoma or other solid "
            "tumours in one hospital in Toronto, given pembrolizumab.",
            "Learning how size, PD-L1, mutational burden and ctDNA before treatment go together with survival under "
            "pembrolizumab; comparing new data with this trial; teaching. Not for the care of patients.",
            (
                "One arm: nothing here says what another treatment would have done.",
                "93 patients of very different cancers: effects of covariates are known poorly, and cohorts are not "
                "told apart.",
                "The change of ctDNA at cycle 3 is not used: it is not known at the start.",
                *NOT_AT_HAND,
            ),
            {"joint": _pembrolizumab},
            {
                "pdl1_percent": "PD-L1 expression, percent",
                "log_tmb": "logarithm of the mutational burden, as INSPIRE publishes it",
                "log_baseline_ctdna": "natural logarithm of 1 + ctDNA before treatment, as INSPIRE publishes it",
            },
        ),
        Recipe(
            "nsclc-2l-oak",
            "non-small-cell lung cancer after platinum: docetaxel or atezolizumab (OAK)",
            "atezolizumab-oak: one lesion each of 701 patients; oak-clinical: survival of 850 patients",
            "Adults with advanced non-small-cell lung cancer after platinum chemotherapy, 2014 to 2015, randomised to "
            "docetaxel or atezolizumab.",
            "Learning how single lesions and survival go under the two options; comparing new data with this trial; "
            "teaching. Not for the care of patients.",
            (
                "Sizes and survival are published of patients who cannot be matched: scans do not update survival "
                "here, and the probability to be alive without progression is withheld.",
                "Growth is that of the followed lesion, not of the sum of lesions; sizes are those of patients alive.",
                *NOT_AT_HAND,
            ),
            {"sizes": _lung_sizes, "survival": _lung_survival},
            {
                "sex": "female or male",
                "age_year": "age, years",
                "ecog": "ECOG performance status, 0 or 1",
                "histology": "as oak-clinical has it",
                "met_sites": "number of metastatic sites",
                "smoking": "as oak-clinical has it",
            },
        ),
    )
}  # fmt: skip
"""The reference posteriors that are shipped, by name."""


def make_reference(name: str, folder: Path, tell: Tell | None = None) -> Reference:
    """Fit a reference posterior from the public files, write it into a folder, and return it.

    Raises
    ------
    ModelError
        When there is no recipe of that name.
    ConvergenceError
        When a part has not converged.
    """
    if name not in RECIPES:
        raise ModelError(f"there is no recipe {name!r}; there are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    folder.mkdir(parents=True, exist_ok=True)
    sources, records, origin = {}, {}, {}
    for part, data in recipe.parts.items():
        model, cohort = data()
        if tell is not None:
            tell(f"{name}, {part}: {model.describe()}; {cohort.patients.height} patients of {cohort.name}")
        sources[part] = Source.of(fit(model, cohort, **{**SETTINGS, **recipe.settings}, tell=tell))
        write_part(sources[part], folder, part)
        records[part] = record(sources[part], folder / f"{part}.nc")
        origin[part] = cohort.provenance
    card = Card(
        name=name,
        title=recipe.title,
        data=recipe.data,
        citation="; ".join(dict.fromkeys(str(o.get("citation", "")) for o in origin.values())),
        licence="; ".join(dict.fromkeys(str(o.get("licence", "")) for o in origin.values())),
        who=recipe.who,
        use=recipe.use,
        cannot_tell=recipe.cannot_tell,
        linked=tuple(recipe.parts) == ("joint",),
        parts=tuple(recipe.parts),
        covariates=dict(recipe.covariates),
        record=records,
    )
    card.write(folder)
    return Reference(card, sources)
