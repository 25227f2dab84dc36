"""The command line: one file per command, each calling one library function."""

from metachron.cli.run import main

__all__ = ["main"]
