"""fit, summary and the ways a fit can end: well, without convergence, interrupted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from metachron.cli import fitting
from metachron.inference import ChainProgress, Fit
from metachron.joint import compose

from .conftest import TINY

Run = Callable[..., tuple[int, str, str]]

COLUMNS = {"mean", "sd", "q05", "q95", "rhat", "ess_bulk", "ess_tail", "mcse_mean"}
