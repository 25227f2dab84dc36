"""``python -m benchmarks.new_lesions``: what new lesions add to the forecast of death in FFCD 2000-05.

The trivariate model, and the same without new lesions: both by 5-fold cross-validation, with the same folds and the
same landmarks. About 10 minutes on 2 cores.
"""

from __future__ import annotations

import os
from dataclasses import replace

import polars as pl

from benchmarks.skill import COX
from benchmarks.stan_build import ROOT
from metachron.cohort.read import load
from metachron.forecast.cross_validation import cross_validate
from metachron.joint import JointModel

MODEL = ROOT / "examples" / "models" / "ffcd-trivariate.toml"
LANDMARKS = ((0.0, 365.0), (90.0, 455.0), (180.0, 545.0))


def without_new_lesions(model: JointModel) -> JointModel:
    """Return the model of size and death alone."""
    assert model.hazard is not None
    links = tuple(term for term in model.hazard.links if term.link.name != "new-lesion-frailty")
    return replace(model, new_lesions=None, hazard=replace(model.hazard, links=links))


def main() -> None:
    """Print the scores of survival of both models, landmark by landmark."""
    os.environ.setdefault("METACHRON_DATA", str(ROOT.parent / "shared" / "data"))
    whole, cohort = JointModel.read(MODEL), load("ffcd2000-05")
    tables = []
    for name, model in (("without", without_new_lesions(whole)), ("with", whole)):
        found = cross_validate(
            model, cohort, landmarks_and_horizons=LANDMARKS, covariates=COX["mcrc-ffcd"], chains=2,
            tell=lambda sentence, name=name: print(f"{name}: {sentence}", flush=True),
        )  # fmt: skip
        tables.append(found.table.filter(pl.col("of") == "survival").with_columns(new_lesions=pl.lit(name)))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200):
        print(pl.concat(tables).sort("landmark_day", "score", "new_lesions", maintain_order=True))


if __name__ == "__main__":
    main()
