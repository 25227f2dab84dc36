"""Hierarchically centred coordinates: the map, its inverse and its volume."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from joint.small_cohort import small_cohort
from metachron.joint import compose
from metachron.joint.hierarchical import Shares, from_standard, to_standard
from metachron.joint.vector import effect_shapes, vector_size


@pytest.mark.parametrize("covariance", ["independent", "full"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_map_inverse_and_volume(covariance: str, share: float) -> None:
    model = compose(dynamics="stein-fojo", links=["log-growth"], size="lesion", covariance=covariance)
    whole = small_cohort(by_lesion=True)
    organs = pl.when(pl.col("lesion") == "a").then(pl.lit("liver")).otherwise(pl.lit("lung"))
    binding = model.bind(whole.with_rows({"lesions": whole.lesions.with_columns(organs.alias("organ"))}))
    design, dims = binding.design, binding.dims
    shares = Shares(*(jnp.full(shape, share) for shape in effect_shapes(model, dims)))
    vector = 0.5 * jax.random.normal(jax.random.key(1), (vector_size(model, dims),))
    standard, change = to_standard(vector, model, design, dims, shares)
    np.testing.assert_allclose(from_standard(standard, model, design, dims, shares), vector, atol=1e-10)
    jacobian = jax.jacfwd(lambda x: to_standard(x, model, design, dims, shares)[0])(vector)
    sign, logarithm = np.linalg.slogdet(np.asarray(jacobian))
    assert sign == 1
    assert logarithm == pytest.approx(float(change), abs=1e-8)
