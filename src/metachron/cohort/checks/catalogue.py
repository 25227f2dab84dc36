"""All rules on the content of a cohort, in the order in which they are reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metachron.cohort.checks.cells import cell_rules
from metachron.cohort.checks.events import event_rules
from metachron.cohort.checks.keys import key_rules
from metachron.cohort.checks.labels import label_rules
from metachron.cohort.checks.rule import Rule, Tables
from metachron.cohort.checks.sizes import size_rules


def content_rules(tables: Tables, limit_mm: float, arms: Sequence[str] | None = None) -> Iterator[Rule]:
    """Yield every rule that applies to these tables."""
    yield from cell_rules(tables)
    yield from key_rules()
    yield from size_rules(limit_mm)
    yield from event_rules()
    yield from label_rules(tables, arms)
