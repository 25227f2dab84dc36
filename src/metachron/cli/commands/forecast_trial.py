"""``metachron forecast-trial FIT --control ARM --events N | --more-days DAYS``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from metachron.cli.arguments import FitPath
from metachron.cli.compilation_cache import keep_compiled_models
from metachron.cli.console import note, say, show_json, show_table


def forecast_trial(
    fit: FitPath,
    /,
    *,
    control: Annotated[str, Parameter(help="Arm to compare with.")],
    experimental: Annotated[str | None, Parameter(help="Arm compared. [default: the other one of two]")] = None,
    events: Annotated[int | None, Parameter(help="The analysis is made at this number of events in all.")] = None,
    more_days: Annotated[float | None, Parameter(help="Or after so many more days of follow-up.")] = None,
    alpha: Annotated[float, Parameter(help="Two-sided level of the log-rank test.")] = 0.05,
    draws: Annotated[int, Parameter(help="Futures to simulate.")] = 500,
    seed: Annotated[int, Parameter(help="Of the random numbers.")] = 1,
    out: Annotated[Path | None, Parameter(help="HTML file to write.")] = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON, numbers unrounded.")] = False,
) -> None:
    """Foretell the planned analysis of a running trial: survival by arm, hazard ratio, probability of success.

    FIT is a fit of the trial as it stands. Its patients go on; nobody is invented.

    metachron forecast-trial interim.fit --control chemotherapy --events 240 --out trial.html
    """
    from metachron.forecast import forecast_trial as make
    from metachron.inference import Fit

    loaded = Fit.load(fit)
    keep_compiled_models()
    found = make(
        loaded,
        control=control,
        experimental=experimental,
        events=events,
        more_days=more_days,
        alpha=alpha,
        draws=draws,
        seed=seed,
    )
    if json:
        show_json(found.as_dict())
    else:
        say(f"probability of success: {found.probability_of_success:.2f} (log-rank p below {alpha:g}); so far "
            f"{found.events_now} events\n")  # fmt: skip
        show_table(found.summary())
        say("")
        for sentence in found.notes:
            say(sentence)
    if out is not None:
        from metachron.report import write_trial_page

        note(f"written: {write_trial_page(found, out)} (open it in a browser)")
