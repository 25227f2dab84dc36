"""Records of jobs: where they are kept, and what they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.jobs import Job
from benchmarks.stan_build import FLAGS, ROOT, stan_version

RECORDS = ROOT / ".cache" / "bench"
_PACKAGES = ("jax", "blackjax", "numpyro", "numpy", "arviz-stats")
_MODEL_ROOMS = ("base", "cohort", "dynamics", "hazards", "joint")
_OURS = ("cohorts.py", "gradient.py", "memory.py", "precision.py", "worker.py")


@dataclass(frozen=True)
class Record:
    """What a job cost and gave (``found``), and when, where and with which code (``origin``)."""

    job: Job
    found: Mapping[str, Any]
    origin: Mapping[str, Any]


def origin_of(job: Job) -> dict[str, Any]:
    """Return what a job's record depends on besides its settings: code, versions and machine."""
    if job.engine == "stan":
        rooms, files = _MODEL_ROOMS, [*_OURS, "stan_*.py", "stan/*"]
        versions = {"stan": stan_version(), "compiler flags": " ".join(FLAGS)}
    else:
        rooms, files = (*_MODEL_ROOMS, "inference"), [*_OURS, "engine_job.py"]
        versions = {name: version(name) for name in _PACKAGES}
    return {"code": _hash(rooms, files), "versions": versions, "machine": machine()}


def machine() -> dict[str, Any]:
    """Return what the machine is, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def path_of(job: Job, origin: Mapping[str, Any]) -> Path:
    """Return where the record of a job is kept."""
    key = hashlib.sha256(json.dumps([job.settings(), origin], sort_keys=True).encode()).hexdigest()[:12]
    return RECORDS / f"{job.name}-{key}.json"


def read_record(job: Job) -> Record | None:
    """Return the record of a job with the code and on the machine at hand; None where there is none."""
    origin = origin_of(job)
    path = path_of(job, origin)
    if not path.is_file():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Record(job, stored["found"], stored["origin"])


def write_record(record: Record) -> Path:
    """Keep a record; return its path."""
    path = path_of(record.job, {key: value for key, value in record.origin.items() if key != "made"})
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"job": record.job.settings(), "found": record.found, "origin": record.origin}
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    temporary.replace(path)
    return path


def _hash(rooms: tuple[str, ...], patterns: list[str]) -> str:
    source, here = ROOT / "src" / "metachron", Path(__file__).parent
    files = [path for room in rooms for path in sorted((source / room).rglob("*.py"))]
    files += [path for pattern in patterns for path in sorted(here.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _processor() -> str:
    """Return the processor's model name."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
