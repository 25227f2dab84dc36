"""Parameters that several laws share, so that one concept has one name, one meaning and one default prior.

Default priors are for the population mean on the transform scale: weakly informative, a factor of about 7 each way.
"""

from __future__ import annotations

import math

from metachron.base import ParameterSpec, Prior, Transform

_RECIST = "measurable from 10 mm: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026"
_OAK = (
    "OAK: Gandara 2018, doi:10.1038/s41591-018-0134-3; lesions of Ghaffari Laleh 2022, doi:10.1371/journal.pcbi.1009822"
)

TYPICAL_BASELINE_MM = 65.0
"""Median baseline sum of target-lesion diameters in OAK, rounded; Gandara 2018, doi:10.1038/s41591-018-0134-3."""

BASELINE_MM = ParameterSpec(
    name="baseline_mm",
    transform=Transform.LOG,
    unit="mm",
    meaning="size at day 0",
    prior=Prior(
        "normal",
        (math.log(TYPICAL_BASELINE_MM), 1.0),
        "median 65 mm, 95 % from 9 to 460 mm: from one measurable lesion to several large ones "
        "(OAK: median 66 mm for the sum, 37 mm for one lesion)",
    ),
    source=f"{_OAK}; {_RECIST}",
)

SHRINKAGE_PER_YEAR = ParameterSpec(
    name="shrinkage_per_year",
    transform=Transform.LOG,
    unit="1/year",
    meaning="relative rate at which the part that the treatment reaches decays; half-life = ln 2 / rate",
    prior=Prior(
        "normal",
        (math.log(0.5), 1.0),
        "median half-life 1.4 years, 95 % from 2.3 months to 9.8 years: from a deep early response to hardly any "
        "(fitted medians in OAK lesions: 0.3 to 0.9 per year)",
    ),
    source=_OAK,
)

GROWTH_PER_YEAR = ParameterSpec(
    name="growth_per_year",
    transform=Transform.LOG,
    unit="1/year",
    meaning="relative rate of exponential growth where the treatment does not act; doubling time = ln 2 / rate",
    prior=Prior(
        "normal",
        (math.log(0.5), 1.0),
        "median doubling time of the diameter 1.4 years, 95 % from 2.3 months to 9.8 years "
        "(fitted medians in OAK lesions: 0.4 to 0.5 per year)",
    ),
    source=_OAK,
)
