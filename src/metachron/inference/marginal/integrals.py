"""The log posterior with patient effects integrated out, at many draws: nodes corrected to second order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metachron.inference.marginal.blocks import ROWS, Blocks
from metachron.inference.marginal.coordinates import Coordinates
from metachron.inference.marginal.correction import Evaluated, evaluate_draws
from metachron.inference.marginal.expansion import Expansion, evaluate
from metachron.inference.marginal.prepare import Prepared
from metachron.inference.marginal.references import References
from metachron.inference.marginal.table import NodeModel, NodeTable
from metachron.joint.vector import unpack_population


@dataclass(frozen=True, eq=False)
class Integrals:
    """Nodes, and the references that they are corrected to, in whitened coordinates."""

    prepared: Prepared
    coordinates: Coordinates
    reference: References
    _corrections: dict[tuple[int, int], Expansion] = field(default_factory=dict, init=False)

    def doubled(self) -> Integrals:
        """Return the same with twice the nodes per patient."""
        prepared = self.prepared
        rows = np.minimum(2 * prepared.rows, ROWS)
        return replace(self, prepared=replace(prepared, rows=rows, mean_rows=2 * prepared.mean_rows))

    def at(
        self,
        white: Float[np.ndarray, "draw free"],
        *,
        times: int,
        seed: int,
        effects: bool = False,
        visit: Callable[[NodeTable, Blocks], None] | None = None,
    ) -> Evaluated:
        """Return the corrected log likelihood at whitened vectors on ``times`` the nodes of the sampler.

        ``effects`` and ``visit`` as in `evaluate_draws`.
        """
        found = evaluate_draws(
            self.coordinates.vectors(white),
            self.prepared.slabs(times=times, seed=seed, single=True),
            view=self.prepared.view,
            patients=len(self.prepared.binding.labels.patients),
            seed=seed,
            series=len(self.prepared.binding.labels.series),
            effects=effects,
            visit=visit,
        )
        lacking = evaluate(self.correction(times=times, seed=seed), jnp.asarray(white))
        return found._replace(log_likelihood=found.log_likelihood + np.asarray(lacking))

    def correction(self, *, times: int, seed: int) -> Expansion:
        """Return what the log likelihood on these nodes lacks: measured once for all who ask."""
        if (times, seed) not in self._corrections:
            found = self.reference.correction(self.prepared, self.coordinates, times=times, seed=seed)
            self._corrections[times, seed] = found
        return self._corrections[times, seed]

    def log_prior(self, white: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, " draw"]:
        """Return the log prior density of the whitened vectors, up to a constant."""
        priors = _log_priors(jnp.asarray(self.coordinates.vectors(white)), view=self.prepared.view)
        return np.asarray(priors) + self.coordinates.log_change(white)


@partial(jax.jit, static_argnames=("view",))
def _log_priors(vectors: Float[Array, "draw free"], *, view: NodeModel) -> Float[Array, " draw"]:
    return jax.lax.map(lambda vector: unpack_population(vector, view.model, view.dims)[1], vectors)
