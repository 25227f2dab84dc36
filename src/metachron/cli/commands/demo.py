"""``metachron demo --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.console import note, say, show_table
from metachron.cli.fitting import fit_and_save


def demo(*, out: Annotated[Path, Parameter(help="Folder for data, model file, fit and report.")]) -> None:
    """Simulate a trial of two arms, fit a joint model to it and write a report: no data and no network needed.

    Writes the cohort (folder cohort), model.toml, demo.fit and report.html.
    """
    from metachron.cohort import write_folder
    from metachron.inference.predict import clinical_parameters
    from metachron.joint.demo_trial import demo_model, two_arm_trial
    from metachron.report import write_report

    cohort, model = two_arm_trial(), demo_model()
    write_folder(cohort, out / "cohort")
    (out / "model.toml").write_text(model.to_toml(), "utf-8")
    note(f"simulated: {cohort.patients.height} patients in arms {' and '.join(cohort.arms)}; fitting the joint model")
    fit = fit_and_save(model, cohort, out / "demo.fit", chains=2, warmup=500, draws=1000, seed=1)
    say("\nIn clinical words, median and 90 % interval:\n")
    show_table(clinical_parameters(fit).select("quantity", "arm", "median", "q05", "q95", "unit"))
    say(f"\nreport: {write_report(fit, out / 'report.html')} (open it in a browser)")
