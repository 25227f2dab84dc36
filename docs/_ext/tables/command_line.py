"""The help of every command, as the command line prints it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_COMMANDS = (
    "", "demo", "template", "check", "fit", "summary", "report", "compare", "two-stage", "export",
    "data list", "data describe", "data export", "model list", "model show",
)  # fmt: skip


def commands() -> str:
    """Return the help of every command."""
    return "\n".join(_section(command) for command in _COMMANDS)


def _section(command: str) -> str:
    title = f"metachron {command}".strip()
    return f"## {title}\n\n```text\n{_help(command.split())}\n```\n"


def _help(words: list[str]) -> str:
    """Return the help of one command; `subprocess.CalledProcessError` when there is no such command."""
    program = Path(sys.executable).parent / "metachron"
    plain = {**os.environ, "COLUMNS": "92", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, env=plain)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
