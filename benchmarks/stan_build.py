"""Stan programs compiled with the headers, compiler and library that the package `httpstan` carries."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from metachron.base import MetachronError

ROOT = Path(__file__).resolve().parents[1]
SOURCES = Path(__file__).resolve().parent / "stan"
BUILDS = ROOT / ".cache" / "bench" / "stan"
FLAGS = (
    "-std=c++17", "-O3", "-march=native", "-w", "-D_REENTRANT", "-DBOOST_DISABLE_ASSERTS",
    "-DBOOST_PHOENIX_NO_VARIADIC_EXPRESSION", "-D_GLIBCXX_USE_CXX11_ABI=0",
)  # fmt: skip
"""Those of Stan's own interfaces, and code for the processor at hand, as JAX generates too. Stan's threads stay off:
one process is one chain, and they slow a chain down."""


@dataclass(frozen=True)
class Program:
    """An executable chain, and the CPU seconds that the translation and compilation of its model took.

    The part that does not depend on the model is compiled once and not counted, as a Stan user gets it ready-made.
    """

    path: Path
    compile_cpu_seconds: float


def stan_folder() -> Path:
    """Return the folder of the installed `httpstan`.

    Raises
    ------
    MetachronError
        When it is not there.
    """
    found = sorted((ROOT / ".venv-bench").glob("lib/python*/site-packages/httpstan"))
    if not found:
        raise MetachronError(
            "Stan is not installed in .venv-bench; `make bench` does that, or alone `make .venv-bench/.installed`"
        )
    return found[-1]


def stan_version() -> str:
    """Return the version of Stan that its headers state."""
    header = (stan_folder() / "include" / "stan" / "version.hpp").read_text(encoding="utf-8")
    return ".".join(re.findall(r"#define STAN_(?:MAJOR|MINOR|PATCH) (\d+)", header))


def build(program: str) -> Program:
    """Return the executable of a Stan program; one that was built before from the same text is used again.

    Raises
    ------
    MetachronError
        When Stan's compiler or the C++ compiler refuses; its message is in the error.
    """
    stan = stan_folder()
    folder = BUILDS / _fingerprint(program)
    folder.mkdir(parents=True, exist_ok=True)
    path, record = folder / "chain", folder / "compile.json"
    if not record.is_file():
        service = folder / "service.o"
        _run(["g++", *FLAGS, f"-I{stan / 'include'}", "-c", str(SOURCES / "chain.cpp"), "-o", str(service)])
        code, model = folder / "model.cpp", folder / "model.o"
        name = f"--name=metachron_{Path(program).stem}"
        includes = f"--include-paths={SOURCES}"
        seconds = _run([str(stan / "stanc"), includes, name, f"--o={code}", str(SOURCES / program)])
        seconds += _run(["g++", *FLAGS, f"-I{stan / 'include'}", "-c", str(code), "-o", str(model)])
        libraries = [f"-L{stan / 'lib'}", f"-Wl,-rpath,{stan / 'lib'}", "-ltbb"]
        seconds += _run(["g++", str(service), str(model), "-o", str(path), *libraries])
        record.write_text(json.dumps({"compile_cpu_seconds": seconds}), encoding="utf-8")
    return Program(path, float(json.loads(record.read_text(encoding="utf-8"))["compile_cpu_seconds"]))


def _fingerprint(program: str) -> str:
    """Return a name for what the executable depends on; shared pieces of programs are named ``sizes_*``."""
    files = [SOURCES / program, SOURCES / "chain.cpp", *sorted(SOURCES.glob("sizes_*.stan"))]
    parts = [*(file.read_bytes() for file in files), " ".join(FLAGS).encode(), stan_version().encode()]
    return f"{Path(program).stem}-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}"


def _run(command: list[str]) -> float:
    """Run a compiler and return its CPU seconds, those of the processes that it starts counted."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise MetachronError(f"{Path(command[0]).name} refused ({done.returncode}):\n{done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
