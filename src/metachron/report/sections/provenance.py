"""Where the numbers come from: settings, seed, versions, and the fingerprint of the data."""

from __future__ import annotations

from collections.abc import Mapping

from metachron.inference import Fit
from metachron.report.blocks import Paragraph, Section, Table
from metachron.report.numbers import Numbers


def provenance_section(numbers: Numbers) -> Section:
    """Return settings, seed, versions and data fingerprint of the fit."""
    text = (
        f"Predictions in this report rest on {numbers.draws} draws spread evenly over the posterior, and on seed "
        f"{numbers.seed}. The same fit gives the same report, byte for byte. Posterior by the no-U-turn sampler; "
        "R-hat and ESS by Vehtari 2021, doi:10.1214/20-BA1221."
    )
    return Section(
        "provenance", "Provenance", [Paragraph(text), provenance_table(numbers.fit, "How the fit was made.")]
    )


def provenance_table(fit: Fit, caption: str) -> Table:
    """Return how a fit was made, setting by setting."""
    made = {key: value for key, value in fit.provenance.items() if key not in ("source", "accepted")}
    return Table(caption, ["Setting", "Value"], [[key.replace("_", " "), _text(value)] for key, value in made.items()])


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
