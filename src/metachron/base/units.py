"""Units: the one place that knows how days, months and years relate.

Tables hold days and millimetres; models hold years. One year is 365.25 days and one month a twelfth of it.
"""

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
DAYS_PER_WEEK = 7.0
MONTHS_PER_YEAR = 12.0

DAYS_PER_UNIT = {"day": 1.0, "week": DAYS_PER_WEEK, "month": DAYS_PER_MONTH, "year": DAYS_PER_YEAR}
MM_PER_UNIT = {"mm": 1.0, "cm": 10.0}
