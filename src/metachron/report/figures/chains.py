"""How the chains mixed: traces of the parameters that mixed worst."""

from __future__ import annotations

import numpy as np

from metachron.inference import Fit
from metachron.inference.posterior import population_draws
from metachron.joint.names import flat_names
from metachron.report.figures.style import Chart, colour, new_chart, panels
from metachron.report.numbers import Numbers

_POINTS = 250


def traces(source: Fit | Numbers, *, count: int = 6) -> Chart:
    """Return the traces of the ``count`` population parameters with the smallest bulk effective sample size.

    Chains that mixed lie over each other without drift. At most 250 evenly spaced draws of each chain are drawn.
    """
    fit = Numbers.of(source).fit
    names = flat_names(fit.model, fit.dims, fit.labels)
    draws = population_draws(fit.posterior, names)
    sizes = fit.summary()["ess_bulk"].fill_nan(0.0).to_numpy()
    worst = np.argsort(sizes, kind="stable")[:count]
    pick = np.unique(np.linspace(0, draws.shape[1] - 1, min(_POINTS, draws.shape[1])).round().astype(int))
    with new_chart(1.7 * -(-len(worst) // 3)) as chart:
        axes = panels(chart, len(worst), sharex=True)[:, 0]
        for panel, index in zip(axes, worst, strict=True):
            for chain in range(draws.shape[0]):
                panel.plot(pick, draws[chain, pick, index], lw=0.6, color=colour(chain), alpha=0.8)
            panel.set_title(names[index].name, fontsize=7.5)
            panel.tick_params(labelsize=7)
        for panel in axes[-3:]:
            panel.set_xlabel("Draw", fontsize=8)
            panel.tick_params(labelbottom=True)
        return chart
