"""``metachron model list``."""

from __future__ import annotations

from metachron.cli.console import say


def list_models() -> None:
    """Show every tumour law, observation law, baseline hazard and link by name."""
    from metachron.dynamics import LAWS
    from metachron.hazards import HAZARDS
    from metachron.joint import LINKS, OBSERVATIONS

    laws = LAWS.values()
    say("tumour laws (--dynamics)")
    for law in laws:
        say(f"  {law.name}: {law.equation}\n    parameters: {', '.join(spec.name for spec in law.parameters)}")
    say("\nobservation laws (--observation)")
    for seen in OBSERVATIONS.values():
        say(f"  {seen.name}: {seen.equation}")
    say("\nbaseline hazards (--hazard)")
    for hazard in HAZARDS.values():
        say(f"  {hazard.name}: {hazard.equation}")
    say("\nlinks (--link, --new-lesion-link)")
    for link in LINKS.values():
        fitting = [law.name for law in laws if link.fits(law)]
        of = "every law" if len(fitting) == len(LAWS) else ", ".join(fitting)
        say(f"  {link.name}: {link.meaning}; hazard ratio per {link.unit}\n    laws: {of}")
