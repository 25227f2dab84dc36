"""What the benchmarks measured, from the files that ``make bench`` writes: nothing is typed in by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from tables.markdown import table, text

DATA = Path(__file__).resolve().parents[2] / "_data"
_ENGINES = {"stan": "Stan", "nuts": "joint", "marginal": "marginal"}
_LEFT_OUT = "not measured"
Row = dict[str, Any]


def benchmark_speed() -> str:
    """Return one table per cohort and link: effective draws per CPU second, each beside its ratio to Stan."""
    pieces = []
    for (cohort, link), rows in _groups(short=False):
        stan = next((row for row in rows if row["engine"] == "stan"), None)
        head = ("engine", "draws", "least ESS (s.e.)", "ESS per CPU s", "compiling left out", "means apart")
        cells = [
            (
                _ENGINES[row["engine"]],
                f"{row['chains']} x {row['draws']}",
                f"{row['ess']:.0f} ({row['ess_se']:.0f})",
                _speed(row, stan, "with"),
                _speed(row, stan, "without"),
                _apart(row),
            )
            for row in rows
        ]
        pieces.append(f"**{text(cohort)}, link {text(link)}**\n\n{table(head, cells)}")
    return "\n".join(pieces) or _LEFT_OUT


def benchmark_costs() -> str:
    """Return what each run cost: CPU time per leapfrog, compiling, first draw, memory; ratios are to Stan."""
    head = ("cohort, link", "engine", "CPU ms per leapfrog", "leapfrogs per draw", "compiling, CPU s",
            "first draws from cold, CPU s", "peak memory, MiB")  # fmt: skip
    cells = []
    for (cohort, link), rows in _groups(short=None):
        stan = next((row for row in rows if row["engine"] == "stan"), None)
        for row in rows:
            label = _ENGINES[row["engine"]] + (", short run" if row["short"] else "")
            cells.append(
                (
                    text(f"{cohort}, {link}"),
                    label,
                    _beside(row, stan, "ms_per_leapfrog"),
                    f"{row['leapfrogs_per_draw']:.0f}",
                    _beside(row, stan, "compile_cpu_seconds"),
                    _beside(row, stan, "first_draw_cpu_seconds"),
                    _beside(row, stan, "peak_mib"),
                )
            )
    return table(head, cells) if cells else _LEFT_OUT


def benchmark_context() -> str:
    """Return with what the tables were made."""
    path = DATA / "benchmarks.json"
    if not path.is_file():
        return _LEFT_OUT
    made = json.loads(path.read_text(encoding="utf-8"))
    dates = sorted(made["runs"].values())
    machines = "; ".join(
        f"{m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB, {m['system']}, Python {m['python']}"
        for m in made["machines"]
    )
    versions = ", ".join(f"{name} {value}" for name, value in made["versions"].items())
    rows = [
        ("command", f"`{made['command']}`"),
        ("dates", f"{dates[0][:10]} to {dates[-1][:10]}"),
        ("machine", text(machines)),
        ("versions", text(versions)),
    ]
    return table(("", ""), rows)


def _groups(*, short: bool | None) -> list[tuple[tuple[str, str], list[Row]]]:
    """Return the rows by cohort and link in their order; ``short`` None: long and short runs."""
    path = DATA / "benchmarks.csv"
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in pl.read_csv(path, infer_schema_length=None).to_dicts() if path.is_file() else []:
        if short is None or row["short"] is short:
            groups.setdefault((row["cohort"], row["link"]), []).append(row)
    return list(groups.items())


def _speed(row: Row, stan: Row | None, compiling: str) -> str:
    """Return effective draws per second and the ratio to Stan; a method with a wrong answer is not ranked."""
    if row["wrong"] or row["converged"] is False:
        return "not ranked"
    name = f"ess_per_second_{compiling}_compiling"
    if stan is None:
        return f"{row[name]:.3g} (no Stan run)"
    return f"{row[name]:.3g} (**{row[name] / stan[name]:.3g}** x Stan)"


def _beside(row: Row, stan: Row | None, name: str) -> str:
    """Return a cost and, where Stan ran on the same posterior, its ratio to Stan's."""
    if row[name] is None:
        return "–"
    return f"{row[name]:.3g}" + (f" ({row[name] / stan[name]:.2g} x Stan)" if stan else " (no Stan run)")


def _apart(row: Row) -> str:
    """Return how far the means lie from the reference, and whether that is Monte Carlo error."""
    if row["worst_sd"] is None:
        return "nothing to compare with"
    verdict = "**wrong**: " if row["wrong"] else ""
    return f"{verdict}{row['worst_sd']:.2f} sd, {row['worst_mcse']:.1f} MCSE, from {text(_name(row['compared_with']))}"


def _name(reference: str) -> str:
    return _ENGINES.get(reference, reference)
