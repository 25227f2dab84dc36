"""Benchmarks: what a gradient and a draw cost, with the answer checked before it is timed."""
