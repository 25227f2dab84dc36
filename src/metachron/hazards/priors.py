"""Default priors that several baseline hazards share: one number, one reason, one place."""

from __future__ import annotations

import math

from metachron.base import Prior

TYPICAL_TIME_YEAR = 1.5
"""An exponential survival with this mean has a median of 1.04 years, as in metastatic disease under treatment."""

_LEVEL = (
    "centred on a median survival of about one year, as with docetaxel and atezolizumab in OAK (0.80 and 1.15 years, "
    "doi:10.1038/s41591-018-0134-3) and in the published patients of FFCD 2000-05 (1.2 and 1.3 years); 95 % of the "
    "prior lies within a factor of 19 of it, because links to uncentred sizes and rates move the level"
)

TIME_PRIOR = Prior("normal", (math.log(TYPICAL_TIME_YEAR), 1.5), _LEVEL)
RATE_PRIOR = Prior("normal", (-math.log(TYPICAL_TIME_YEAR), 1.5), _LEVEL)
SHAPE_PRIOR = Prior(
    "normal",
    (0.0, 0.5),
    "shape between 0.38 and 2.7 with 95 % prior probability: hazards that fall, or rise",
)
