"""Where the numbers come from: settings, seed, versions, and the fingerprint of the data."""

from __future__ import annotations

from collections.abc import Mapping

from metachron.report.blocks import Paragraph, Section, Table
from metachron.report.numbers import Numbers


def provenance_section(numbers: Numbers) -> Section:
    """Return settings, seed, versions and data fingerprint of the fit."""
    made = dict(numbers.fit.provenance)
    made.pop("source", None)
    made.pop("accepted", None)
    rows = [[key.replace("_", " "), _text(value)] for key, value in made.items()]
    text = (
        f"Predictions in this report rest on {numbers.draws} draws spread evenly over the posterior, and on seed "
        f"{numbers.seed}. The same fit gives the same report, byte for byte. Posterior by the no-U-turn sampler; "
        "R-hat and ESS by Vehtari 2021, doi:10.1214/20-BA1221."
    )
    return Section(
        "provenance", "Provenance", [Paragraph(text), Table("How the fit was made.", ["Setting", "Value"], rows)]
    )


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
