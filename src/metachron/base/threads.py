"""A function applied to many inputs in as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor


def side_by_side[Input, Output](function: Callable[[Input], Output], inputs: Iterable[Input]) -> Iterator[Output]:
    """Yield what the function makes of each input, in their order.

    The first is done alone: what it compiles is there for the others, and threads do not each compile it.
    """
    rest = iter(inputs)
    for first in rest:
        yield function(first)
        break
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(function, rest)
