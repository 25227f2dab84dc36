"""How the three estimates are to be taken, in the words of every output."""

READING = (
    "plug-in: each patient's link value is taken as known; its interval leaves out that it was estimated.",
    "imputed: link values are drawn from the dynamics alone and results pooled by Rubin's rules. The interval counts "
    "their uncertainty, but the draws have not seen who died when, which scatters them as measurement error does and "
    "draws a link coefficient towards 0.",
    "Both ignore that death ends the measurements: patients who die soon are measured seldom, and sizes recorded later "
    "than a moment say what the hazard is taken to have known at that moment (immortal time).",
    "joint: sizes and survival inform each other; none of this applies.",
)
