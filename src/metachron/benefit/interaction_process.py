"""The interaction of treatment with every cut of a marker at once, and the distribution of its largest value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metachron.benefit.comparison import Comparison
from metachron.benefit.score_process import score_pieces

_KNOTS = (0.25, 0.5, 0.75)
_BLOCK = 500
"""Resamples drawn at once."""
_LEAST = 1e-8
"""Information of an interaction, as a part of that without nuisance, below which a cut says nothing of its own."""

_ROUNDING = 1e-12
_MOST = 500
"""Candidates: each needs two columns as long as there are patients."""


@dataclass(frozen=True, eq=False)
class InteractionProcess:
    """Standardised scores of the interaction at each cut, and each patient's part of them (rows x cuts, unit variance).

    A positive score says that the outcome comes more often, under treatment, at or above the cut. ``inflation`` is the
    factor by which resampled scores are widened for the parameters that were fitted.
    """

    cuts: np.ndarray
    statistic: np.ndarray
    parts: np.ndarray
    inflation: float = 1.0

    def best(self) -> int:
        """Return the position of the cut with the largest score on either side."""
        return int(np.nanargmax(np.abs(self.statistic)))

    def corrected_p(self, *, resamples: int, seed: int) -> float:
        """Return the chance, without any interaction, of a largest score as large as the one found.

        Each patient's part is multiplied by an independent standard normal number, which gives the process anew as it
        varies around 0 under the null. Source: Lin, Wei and Ying 1993, doi:10.1093/biomet/80.3.557.

        The process so made is multiplied by ``inflation``, the square root of d / (d - k): d events (of a response the
        rarer outcome) and k parameters beside the interaction. It is the correction of MacKinnon and White 1985 (HC1),
        doi:10.1016/0304-4076(85)90158-7, with events in the place of rows.
        """
        generator = np.random.default_rng(seed)
        parts = self.parts[:, ~np.isnan(self.statistic)]
        largest, reached = np.nanmax(np.abs(self.statistic)), 0
        for at in range(0, resamples, _BLOCK):
            multiplier = generator.standard_normal((min(_BLOCK, resamples - at), len(parts)))
            highest = self.inflation * np.abs(multiplier @ parts).max(axis=1)
            reached += int((highest >= largest).sum())
        return (reached + 1.0) / (resamples + 1.0)


def candidate_cuts(values: np.ndarray, smallest_share: float) -> np.ndarray:
    """Return the values of a marker that leave at least a share of the patients below, and at or above them.

    Of more than 500, 500 are taken, evenly in their order: the process is nearly the same at neighbours.
    """
    distinct = np.unique(values)
    below = np.searchsorted(np.sort(values), distinct, side="left") / len(values)
    least = smallest_share - _ROUNDING
    allowed = distinct[(below >= least) & (1.0 - below >= least)]
    if len(allowed) <= _MOST:
        return allowed
    return allowed[np.linspace(0, len(allowed) - 1, _MOST).round().astype(int)]


def interaction_process(comparison: Comparison, values: np.ndarray, cuts: np.ndarray) -> InteractionProcess:
    r"""Return the process of interaction scores over cuts.

    The null model has the arm, the adjustment and the prognostic effect f of the marker, a linear spline with knots at
    its quartiles: :math:`h(t) = h_0(t) \exp(\alpha a + f(x) + \zeta z)`. At each cut c the score of
    :math:`a \, 1\{x \ge c\}` is made independent of everything else that the null leaves free, the step
    :math:`1\{x \ge c\}` included, through the information:
    :math:`u_i(c) = s_i(c) - I_{cN} I_{NN}^{-1} s_{iN}`, and divided by its standard error.
    So no prognostic effect is tested, whatever its size; a shape of f which neither the spline nor the step follows is
    balanced between the arms by randomisation.

    Raises
    ------
    ModelError
        When the null model has no finite maximum.
    """
    step = (values[:, None] >= cuts).astype(float)
    null = np.column_stack([comparison.treated, linear_spline(values), comparison.adjust])
    pieces = score_pieces(comparison, null, np.column_stack([step, comparison.treated[:, None] * step]))
    fitted = np.arange(pieces.design.shape[1] - 2 * len(cuts))
    main = len(fitted) + np.arange(len(cuts))
    product = main + len(cuts)
    inverse = np.linalg.inv(pieces.information(fitted, fitted))
    cross = {"main": pieces.information(fitted, main), "product": pieces.information(fitted, product)}
    solved = {name: inverse @ part for name, part in cross.items()}
    of_main = pieces.paired(main, main) - (cross["main"] * solved["main"]).sum(axis=0)
    of_both = pieces.paired(main, product) - (cross["main"] * solved["product"]).sum(axis=0)
    of_product = pieces.paired(product, product) - (cross["product"] * solved["product"]).sum(axis=0)
    fitted_parts = pieces.residuals[:, fitted]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(of_main > _LEAST * pieces.paired(main, main), of_both / of_main, 0.0)
        variance = of_product - slope * of_both
        variance = np.where(variance > _LEAST * pieces.paired(product, product), variance, np.nan)
        own = pieces.residuals[:, product] - slope * pieces.residuals[:, main]
        own -= fitted_parts @ (solved["product"] - slope * solved["main"])
        statistic = own.sum(axis=0) / np.sqrt(variance)
        parts = own / np.sqrt((own**2).sum(axis=0))
    return InteractionProcess(cuts, statistic, parts, _inflation(comparison, len(fitted) + 1))


def _inflation(comparison: Comparison, parameters: int) -> float:
    events = int(comparison.event.sum())
    if comparison.endpoint == "response":
        events = min(events, len(comparison) - events)
    return float(np.sqrt(events / max(events - parameters, 1)))


def linear_spline(values: np.ndarray) -> np.ndarray:
    """Return a number and its excess over each quartile, without columns that follow from the others; sd 1."""
    knots = np.unique(np.quantile(values, _KNOTS))
    columns = [values, *(np.maximum(values - knot, 0.0) for knot in knots if values.min() < knot < values.max())]
    kept: list[np.ndarray] = []
    for column in columns:
        tried = np.column_stack([*kept, (column - column.mean()) / column.std()])
        if np.linalg.cond(tried) < 1e6:
            kept.append(tried[:, -1])
    return np.column_stack(kept)
