"""Records as the two files that the documentation shows: a CSV of numbers and a JSON file of how they were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.agreement import Agreement, agreements
from benchmarks.jobs import Job
from benchmarks.record import Record
from benchmarks.stan_build import ROOT

FOLDER = ROOT / "docs" / "_data"
NAME = "benchmarks"
_KEY = ["cohort", "link", "engine", "short"]


def write_tables(records: list[Record], *, command: str, folder: Path = FOLDER) -> Path:
    """Write the table and its context for the documentation; return the path of the table.

    Jobs that were measured before and not now keep their rows, with the time of their own run.
    """
    judged = agreements(records)
    found = pl.DataFrame([_row(record, judged.get(record.job.name)) for record in records], infer_schema_length=None)
    path, about = folder / f"{NAME}.csv", folder / f"{NAME}.json"
    folder.mkdir(parents=True, exist_ok=True)
    before = pl.read_csv(path).join(found, on=_KEY, how="anti") if path.exists() else found.clear()
    pl.concat([found, before], how="diagonal_relaxed").write_csv(path, float_precision=5)
    known = json.loads(about.read_text(encoding="utf-8")) if about.exists() else {}
    kept = {Job(engine, cohort, link).name for engine, cohort, link in before.select("engine", "cohort", "link").rows()}
    runs = {name: made for name, made in known.get("runs", {}).items() if name in kept}
    versions = {key: value for record in records for key, value in record.origin["versions"].items()}
    context = {
        "command": command,
        "runs": {**runs, **{record.job.name: record.origin["made"] for record in records}},
        "machines": _distinct([*(record.origin["machine"] for record in records), *known.get("machines", [])]),
        "versions": {**known.get("versions", {}), **versions},
    }
    about.write_text(json.dumps(context, indent=2) + "\n", encoding="utf-8")
    return path


def _row(record: Record, agreement: Agreement | None) -> dict[str, Any]:
    job, found = record.job, record.found
    drawn = found["draws"] * job.chains
    row = {
        "cohort": job.cohort,
        "link": job.link,
        "engine": job.engine,
        "short": job.short,
        "chains": job.chains,
        "warmup": found["warmup"],
        "draws": found["draws"],
        "ess": found.get("ess"),
        "ess_se": found.get("ess_se"),
        "cpu_seconds": found["cpu_seconds"],
        "compile_cpu_seconds": found["compile_cpu_seconds"],
        "first_draw_cpu_seconds": found["first_draw_cpu_seconds"],
        "ms_per_leapfrog": found["ms_per_leapfrog"],
        "leapfrogs_per_draw": found["leapfrogs_sampling"] / drawn,
        "peak_mib": found["peak_mib"],
        "divergences": found["divergences"],
        "compared_with": agreement.reference if agreement else None,
        "worst_sd": agreement.worst_sd if agreement else None,
        "worst_mcse": agreement.worst_mcse if agreement else None,
        "wrong": agreement.wrong if agreement else None,
        "converged": found.get("converged"),
    }
    if not job.short:
        for name, seconds in (("with", 0.0), ("without", found["compile_cpu_seconds"])):
            row[f"ess_per_second_{name}_compiling"] = found["ess"] / (found["cpu_seconds"] - seconds)
    return row


def _distinct(values: Any) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept
