"""A registry: names to things, with an error that lists the names when one is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from metachron.base.errors import ModelError


class Registry[T](Mapping[str, T]):
    """Read-only mapping of public names to objects; a look-up of an unknown name raises `ModelError`."""

    def __init__(self, kind: str, items: Mapping[str, T]) -> None:
        self._kind = kind
        self._items = dict(items)

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            near = get_close_matches(name, self._items, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            known = ", ".join(self._items)
            raise ModelError(f"there is no {self._kind} called {name!r}{hint}; known: {known}")
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
