"""How good the integrals are: Pareto k, effective sample sizes, the error that is left, and one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from metachron.base import list_briefly
from metachron.inference.pareto import effective_share, pareto_smooth

K_GOOD, K_LIMIT = 0.5, 0.7
ESS_SHARE_GOOD, ESS_SHARE_LIMIT = 0.5, 0.1
ERROR_GOOD, ERROR_LIMIT = 0.25, 0.6
PATIENT_NODES_LIMIT = 10.0
EVEN = 0.95
"""Share of effective draws above which the weights are so even that the shape of their tail changes nothing."""


@dataclass(frozen=True)
class Verdict:
    """Accuracy of a marginal fit.

    Parameters
    ----------
    pareto_k, ess_share : of the importance weights that carry the draws from where they come from (NUTS on the
        sampler's nodes, or a proposal) to the checking nodes; Vehtari 2024, arXiv:1507.02646.
    correction_sd : standard deviation of the log weights.
    error_sd : standard deviation over the draws of the error that is left in the log density: the larger one of what
        two independent references of many nodes show, and integrals made afresh at some draws, out to the tails.
    patient_k, patient_ess : worst Pareto k and effective number of nodes of a patient's integral.
    weak_patients : patients whose integral has k above 0.7 or too few effective nodes.
    nodes : nodes per patient, mean and largest, when sampling.
    """

    pareto_k: float
    ess_share: float
    correction_sd: float
    error_sd: float
    patient_k: float
    patient_ess: float
    weak_patients: tuple[str, ...]
    nodes_mean: float
    nodes_max: int

    @property
    def word(self) -> str:
        """``good``, ``usable``, or ``use NUTS``."""
        if self._fails():
            return "use NUTS"
        good = (
            not self._uneven(K_GOOD)
            and self.ess_share > ESS_SHARE_GOOD
            and self.error_sd < ERROR_GOOD
            and not self.weak_patients
        )
        return "good" if good else "usable"

    @property
    def sentence(self) -> str:
        """One sentence on whether the integrals can be trusted."""
        facts = (
            f"Pareto k {self.pareto_k:.2f}, {100 * self.ess_share:.0f} % of the draws effective after correction, "
            f"error of the log density {self.error_sd:.2f}"
        )
        if self.word == "good":
            return f"integrals over patient effects: good ({facts})"
        reasons = self._fails() or self._cautions()
        return f"integrals over patient effects: {self.word}: {'; '.join(reasons)} ({facts})"

    def _uneven(self, limit: float) -> bool:
        """Whether Pareto k is above a limit, or unknown, and the weights not even all the same."""
        return not self.pareto_k < limit and not self.ess_share > EVEN

    def _fails(self) -> list[str]:
        found = []
        if self._uneven(K_LIMIT):
            found.append(f"Pareto k {self.pareto_k:.2f} above {K_LIMIT}")
        if not self.ess_share >= ESS_SHARE_LIMIT:
            found.append(f"only {100 * self.ess_share:.0f} % of the draws count after correction")
        if not self.error_sd <= ERROR_LIMIT:
            found.append(f"the log density still errs by {self.error_sd:.2f}")
        return found

    def _cautions(self) -> list[str]:
        found = []
        if self.weak_patients:
            found.append(f"the integrals of some patients are weak ({list_briefly(self.weak_patients)})")
        if self.error_sd >= ERROR_GOOD:
            found.append(f"the log density errs by {self.error_sd:.2f} between draws")
        if self._uneven(K_GOOD) or self.ess_share <= ESS_SHARE_GOOD:
            found.append("importance weights of the draws vary much")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers with the words, for provenance."""
        return {"word": self.word, "sentence": self.sentence, **asdict(self), "weak_patients": list(self.weak_patients)}


def failures_and_warnings(recorded: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a recorded verdict adds to the failures and the warnings of a fit."""
    if recorded["word"] == "use NUTS":
        return (recorded["sentence"] + "; run --engine nuts",), ()
    return ((), ()) if recorded["word"] == "good" else ((), (recorded["sentence"],))


def judge(
    log_ratio: np.ndarray,
    error: np.ndarray,
    afresh: np.ndarray,
    node_weights: Mapping[str, np.ndarray],
    rows: np.ndarray,
    lanes: int,
) -> Verdict:
    """Return the verdict.

    Parameters
    ----------
    log_ratio : (draw) log density on the checking nodes minus the one that the draws come from.
    error : (draw) error of the log likelihood that the references show.
    afresh : (some draws) log likelihood made afresh minus that of the weighed draws.
    node_weights : by patient, normalised importance weights of the checking nodes.
    rows, lanes : rows per patient, nodes per row, when sampling.
    """
    k, weights = pareto_smooth(log_ratio)
    effective = np.array([1.0 / np.sum(np.square(weight)) for weight in node_weights.values()])
    logs = [np.log(np.maximum(weight, 1e-300)) for weight in node_weights.values()]
    patient_k = np.array([pareto_smooth(log)[0] for log in logs])
    weak = (patient_k > K_LIMIT) | (effective < PATIENT_NODES_LIMIT)
    return Verdict(
        pareto_k=float(k),
        ess_share=effective_share(weights),
        correction_sd=float(np.std(log_ratio)),
        error_sd=float(max(np.std(error), np.std(afresh))),
        patient_k=float(patient_k.max()),
        patient_ess=float(effective.min()),
        weak_patients=tuple(patient for patient, bad in zip(node_weights, weak, strict=True) if bad),
        nodes_mean=float(rows.mean() * lanes),
        nodes_max=int(rows.max() * lanes),
    )
