"""``python -m benchmarks.skill NAME...``: how well forecasts of real patients are met, kept with the posteriors.

FFCD 2000-05 and INSPIRE by cross-validation with the models of their reference posteriors; OAK's posterior on POPLAR.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from metachron.cohort.read import load
from metachron.forecast import Scores, cross_validate, score
from metachron.forecast.scores import gathered
from metachron.reference import RECIPES, load_reference
from metachron.reference.skill import FILE

FOLDER = Path(__file__).resolve().parents[1] / "src" / "metachron" / "reference" / "posteriors"
LANDMARKS = (0.0, 60.0, 90.0, 180.0)
HORIZONS = (182.6, 365.25)
PAIRS = [(landmark, landmark + ahead) for landmark in LANDMARKS for ahead in HORIZONS]
POPLAR_ARMS = {"Study_2_Arm_1": "docetaxel", "Study_2_Arm_2": "atezolizumab"}
"""An assumption: the file does not say which arm is which, see `metachron data describe atezolizumab-poplar`."""
COX = {
    "mcrc-ffcd": ["age_group", "who_ps", "previous_resection"],
    "pembrolizumab-inspire": ["pdl1_percent", "log_tmb", "log_baseline_ctdna"],
    "nsclc-2l-oak": ["sex", "age_year", "ecog", "histology", "met_sites", "smoking"],
}


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


def cross_validated(name: str) -> Scores:
    """Return the scores of a recipe's model by five-fold cross-validation on its own trial."""
    recipe = RECIPES[name]
    model, cohort = recipe.parts["joint"]()
    settings: dict[str, Any] = {**recipe.settings, "chains": 2, "draws": 1000}
    return cross_validate(
        model, cohort, landmarks_and_horizons=PAIRS, covariates=COX[name], folds=5, tell=_tell, **settings
    )


def external() -> Scores:
    """Return the scores of OAK's posterior on POPLAR: survival at the start, and sizes of single lesions."""
    reference = load_reference("nsclc-2l-oak")
    survival, sizes = load("poplar-clinical"), load("atezolizumab-poplar")
    arm = pl.col("arm").replace_strict(POPLAR_ARMS)
    sizes = sizes.with_rows({"patients": sizes.patients.with_columns(arm)})
    found = [
        score(
            reference.parts["survival"],
            survival,
            landmark_day=landmark,
            horizon_day=horizon,
            covariates=COX["nsclc-2l-oak"],
        )
        for landmark, horizon in PAIRS
    ]
    found += [score(reference.parts["sizes"], sizes, landmark_day=day, horizon_day=to) for day, to in PAIRS]
    return gathered(found)


MEASURED: dict[str, Callable[[], Scores]] = {
    "mcrc-ffcd": lambda: cross_validated("mcrc-ffcd"),
    "pembrolizumab-inspire": lambda: cross_validated("pembrolizumab-inspire"),
    "nsclc-2l-oak": external,
}


def main() -> None:
    """Measure the named posteriors, all when none is named, and write their scores beside them."""
    for name in sys.argv[1:] or MEASURED:
        found = MEASURED[name]()
        path = FOLDER / name / FILE
        found.table.write_csv(path)
        _tell(f"written: {path}; {' '.join(found.notes)}")


if __name__ == "__main__":
    from metachron.cli.compilation_cache import keep_compiled_models

    keep_compiled_models()
    main()
