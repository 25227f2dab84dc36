"""The entry point: run a command, and turn errors into a message and an exit code."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from metachron.base import MetachronError
from metachron.cli.app import app
from metachron.cli.console import complain

INTERRUPTED = 130
COLLECT_AFTER = (200_000, 20, 100)
"""Imports and tracing make millions of objects that stay: looking for waste among them as often as Python does by
itself took 6 % of a forecast's time."""


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 for bad input, 3 for no convergence, 130 after Ctrl-C.

    ``tokens`` are the words after ``metachron``; None takes those of the process. An error that metachron does not
    raise on purpose keeps its traceback.
    """
    gc.set_threshold(*COLLECT_AFTER)
    try:
        app(tokens, result_action="return_value")
    except MetachronError as error:
        complain("error", str(error))
        return error.exit_code
    except KeyboardInterrupt as stop:
        complain("interrupted", str(stop).removeprefix("interrupted ") or "nothing was written")
        return INTERRUPTED
    return 0
