"""What is recorded of a reference posterior when it is made, and found again when it is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metachron.forecast import Source
from metachron.reference.reference import SIZE_LIMIT_BYTES, load_reference


def record(source: Source, file: Path) -> dict[str, Any]:
    """Return what can be said of a part: from its file and its draws alone, so that it can be found again.

    ``problems`` lists what must not be: draws that have not converged, patients' data in the file, a file above 2 MB.
    """
    fit = source.fit.without_cohort()
    table = fit.summary()
    problems = [] if fit.diagnostics.converged else [fit.verdict]
    size = file.stat().st_size
    if size > SIZE_LIMIT_BYTES:
        problems.append(f"{file.name} has {size} bytes, more than {SIZE_LIMIT_BYTES}")
    if {"patient", "series"} & set(source.fit.posterior.dims) and source.fit.cohort is None:
        problems.append(f"{file.name} holds effects of single patients")
    chains, draws = fit.shape
    integrals = fit.provenance.get("integrals") or {}
    return {
        "model": fit.model.describe(),
        "patients": len(source.members),
        "cohort_sha256": str(fit.provenance.get("cohort_sha256", "")),
        "engine": str(fit.provenance.get("engine", "")),
        "draws": int(chains * draws),
        "max_rhat": round(float(table["rhat"].max()), 4),  # type: ignore[arg-type]
        "min_ess_bulk": round(float(table["ess_bulk"].min()), 1),  # type: ignore[arg-type]
        "min_ess_tail": round(float(table["ess_tail"].min()), 1),  # type: ignore[arg-type]
        "integrals": str(integrals.get("word", "sampled with everything else")),
        "versions": {str(k): str(v) for k, v in fit.provenance.get("versions", {}).items()},
        "parameters": {
            row["parameter"]: [round(row["mean"], 6), round(row["sd"], 6)] for row in table.iter_rows(named=True)
        },
        "problems": problems,
    }


def check_reference(folder: Path) -> list[str]:
    """Return what is wrong with a reference posterior in a folder: problems, and records that are not found again."""
    reference = load_reference(folder)
    wrong = []
    for part, source in reference.parts.items():
        found, stored = record(source, folder / f"{part}.nc"), reference.card.record[part]
        wrong += [f"{part}: {problem}" for problem in found["problems"]]
        wrong += [
            f"{part}: {name} is {found[name]}, recorded {stored.get(name)}"
            for name in found
            if found[name] != stored.get(name)
        ]
    return wrong
