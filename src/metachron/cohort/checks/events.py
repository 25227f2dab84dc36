"""Rules on time: events, follow-up, death, therapies."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from metachron.cohort.checks.rule import Rule, Tables, number, rows_where, violations, whole_cohort
from metachron.cohort.schema import DATED

_AT_RISK = ("events.patient", "events.kind", "followup.patient", "followup.kind")
_LOWER, _UPPER = pl.col("day_lower"), pl.col("day_upper")
_FEW_PATIENTS = 20
_SHORT_DAYS = 60.0


def event_rules() -> Iterator[Rule]:
    """Yield the rules on the order of days."""
    yield _reversed("bounds-reversed", "events", "day_lower", "day_upper")
    yield _reversed("followup-reversed", "followup", "entry_day", "last_day")
    yield _reversed("stop-before-start", "therapies", "start_day", "stop_day")
    yield _NO_FOLLOWUP
    yield _BEFORE_ENTRY
    yield _AFTER_FOLLOWUP
    for table, column in DATED.items():
        yield _after_death(table, column)
    yield _after_death("followup", "last_day")
    yield _IN_MONTHS


def _reversed(name: str, table: str, first: str, last: str) -> Rule:
    shown = pl.format(first + " {} after " + last + " {}", number(first), number(last))
    return Rule(
        name, table, last, (f"{table}.{first}", f"{table}.{last}"),
        rows_where(table, pl.col(first) > pl.col(last), shown),
        expected=f"{first} at or before {last}",
        remedy="correct the days; they may have been exchanged",
    )  # fmt: skip


def _at_risk(tables: Tables) -> pl.DataFrame:
    return tables["events"].join(
        tables["followup"].select("patient", "kind", "entry_day", "last_day"), on=["patient", "kind"], how="inner"
    )


def _no_followup(tables: Tables) -> pl.DataFrame:
    rows = tables["events"].drop_nulls(["patient", "kind"])
    return violations(rows.join(tables["followup"], on=["patient", "kind"], how="anti"), pl.col("kind"))


def _before_entry(tables: Tables) -> pl.DataFrame:
    exact = _LOWER == _UPPER
    early = (exact & (pl.col("entry_day") >= _LOWER)) | (~exact & (pl.col("entry_day") > _LOWER))
    shown = pl.format("{} on day {}, entry on day {}", "kind", number("day_lower"), number("entry_day"))
    return violations(_at_risk(tables).filter(early), shown)


def _after_followup(tables: Tables) -> pl.DataFrame:
    shown = pl.format("{} on day {}, last day {}", "kind", number("day_upper"), number("last_day"))
    return violations(_at_risk(tables).filter(pl.col("last_day") < _UPPER), shown)


def _deaths(tables: Tables) -> pl.DataFrame:
    deaths = tables["events"].filter(pl.col("kind") == "death")
    return deaths.group_by("patient").agg(pl.col("day_upper").max().alias("death_day"))


def _after_death(table: str, column: str) -> Rule:
    def find(tables: Tables) -> pl.DataFrame:
        rows = tables[table].join(_deaths(tables), on="patient", how="inner")
        late = pl.col(column) > pl.col("death_day")
        if table == "followup":
            late &= pl.col("kind") != "death"
        shown = pl.format(column + " {}, death on day {}", number(column), number("death_day"))
        return violations(rows.filter(late), shown)

    return Rule(
        "after-death", table, column,
        (f"{table}.patient", f"{table}.{column}", "events.patient", "events.kind", "events.day_upper"),
        find,
        expected="nothing after the day of death",
        remedy="correct the day of death or of the row",
        why="one of the two days is wrong, and it is not known which",
        acceptable=True,
    )  # fmt: skip


def _in_months(tables: Tables) -> pl.DataFrame:
    followup = tables["followup"].filter(pl.col("kind") == "death")
    longest = max(followup["last_day"].drop_nulls().to_list(), default=_SHORT_DAYS)
    short = followup["patient"].n_unique() >= _FEW_PATIENTS and longest < _SHORT_DAYS
    return whole_cohort(f"{longest:.3g} as the last day of the longest follow-up for death" if short else None)


_NO_FOLLOWUP = Rule(
    "event-without-followup", "events", "kind", _AT_RISK, _no_followup,
    expected="a row in followup for every patient and kind of event",
    remedy="add the row to followup: entry_day and last_day of observation for this outcome",
    why="without it, the time at risk and the patients without the event are unknown",
)  # fmt: skip

_BEFORE_ENTRY = Rule(
    "event-before-entry", "events", "day_lower", (*_AT_RISK, "events.day_lower", "events.day_upper"), _before_entry,
    expected="events after entry_day",
    remedy="correct the day of the event or of entry; a patient with the event at entry was never at risk",
    why="the likelihood conditions on being free of the event at entry",
)  # fmt: skip

_AFTER_FOLLOWUP = Rule(
    "event-after-followup", "events", "day_upper", (*_AT_RISK, "events.day_upper", "followup.last_day"),
    _after_followup,
    expected="events at or before last_day of the same patient and kind",
    remedy="correct last_day or the day of the event",
    why="an event outside the time under observation cannot have been seen",
    acceptable=True,
)  # fmt: skip

_IN_MONTHS = Rule(
    "times-in-months", "followup", "last_day", ("followup.kind", "followup.last_day", "followup.patient"), _in_months,
    expected=f"days: a longest follow-up of {_SHORT_DAYS:g} days or more in {_FEW_PATIENTS} patients or more",
    remedy='if times are in months or years, say so in the mapping file: `units = { last_day = "month" }`',
    why="the unit is probably wrong",
    acceptable=True,
)  # fmt: skip
