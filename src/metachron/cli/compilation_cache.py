"""Compiled models are kept between runs in the user's cache folder; nothing leaves the machine."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

CACHE_VARIABLE = "METACHRON_CACHE"
WORTH_KEEPING_SECONDS = 0.003
"""Programs that took longer to compile are kept. Reading one takes about 0.0015 s: forecasts have many small ones."""


def cache_folder() -> Path:
    """Return the folder for compiled models, within the folder that METACHRON_CACHE names or the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named) / "jax"
    import pooch

    return Path(pooch.os_cache("metachron")) / "jax"


def keep_compiled_models() -> None:
    """Turn on JAX's persistent compilation cache; where it cannot be written, every run compiles anew."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING_SECONDS)
    compilation_cache.reset_cache()  # a program compiled before would have settled on another folder
