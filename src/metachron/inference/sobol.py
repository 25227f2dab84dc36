"""Scrambled Sobol points, kept beside compiled programs: SciPy's module that makes them takes long to import."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float


def sobol_points(rows: int, columns: int, *, seed: int) -> Float[np.ndarray, "row column"]:
    """Return the first points of a scrambled Sobol sequence in [0, 1) (Owen 1998)."""
    folder = jax.config.jax_compilation_cache_dir
    kept = Path(folder) / f"sobol-{rows}-{columns}-{seed}.npy" if folder else None
    if kept is not None and (found := _read(kept, (rows, columns))) is not None:
        return found
    from scipy.stats import qmc

    engine = qmc.Sobol(columns, scramble=True, rng=np.random.default_rng(seed))
    points = engine.random_base2(int(np.ceil(np.log2(max(rows, 2)))))[:rows]
    if kept is not None:
        _write(kept, points)
    return points


def _read(path: Path, shape: tuple[int, int]) -> Float[np.ndarray, "row column"] | None:
    try:
        found: np.ndarray = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == float else None


def _write(path: Path, points: Float[np.ndarray, "row column"]) -> None:
    """Keep points, whole or not at all; where the folder cannot be written they are made anew each time."""
    temporary = path.with_name(f"{path.stem}.{id(points)}.part.npy")
    try:
        np.save(temporary, points)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
