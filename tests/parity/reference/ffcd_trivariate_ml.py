"""Maximum likelihood of size, new lesions and death of FFCD 2000-05 (Krol 2016), by adaptive Gauss-Hermite quadrature.

NumPy and SciPy alone, from the CSV tables. A patient's effects are intercept and slope of the size on the Box-Cox scale
(normal, correlated) and a frailty v (normal, independent). Given them, with h0 the Weibull hazard whose integral is
(t / scale)^shape:

    size ~ N(line at t, sigma^2), or below -3.33;
    death: hazard h0(t) exp(x gamma + c0 b0 + c1 b1 + alpha v);
    new lesions: intensity h0(gap) exp(w delta + d0 b0 + d1 b1 + v), the gap since the last new lesion (``exact``); or
    (``interval``) h0(t) in calendar time, lesions having appeared between two visits, at risk until the last visit.

The integral over the three effects is a product rule of 13^3 nodes at the patient's mode, scaled by the curvature there
(found once, at the parameters where the search begins, and again where it ends). The search is by BFGS on differences.

    python tests/parity/reference/ffcd_trivariate_ml.py FOLDER exact|interval > ffcd_trivariate_exact.csv
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.special import gammaln, log_ndtr, logsumexp

LIMIT = -3.33
NODES = 13
SIZE_COLUMNS = ("arm=combination", "age_group=60-69", "age_group=>69", "who_ps=1", "who_ps=2")
DEATH_COLUMNS = (
    "age_group=60-69", "age_group=>69", "arm=combination", "who_ps=1", "who_ps=2", "previous_resection=yes",
)  # fmt: skip
NEW_COLUMNS = ("arm=combination", "who_ps=1", "who_ps=2")
NAMES = (
    "baseline.mean", *(f"baseline.beta[{name}]" for name in SIZE_COLUMNS), "slope_per_year.mean",
    "slope_per_year.beta[arm=combination]", "baseline.sd", "slope_per_year.sd",
    "effects.correlation[baseline,slope_per_year]", "residual.additive",
    "death.log_scale_year", "death.log_shape", *(f"death.beta[{name}]" for name in DEATH_COLUMNS),
    "death.link[effect:baseline]", "death.link[effect:slope_per_year]", "death.link[new-lesion-frailty]",
    "new_lesion.log_scale_year", "new_lesion.log_shape", *(f"new_lesion.beta[{name}]" for name in NEW_COLUMNS),
    "new_lesion.link[effect:baseline]", "new_lesion.link[effect:slope_per_year]", "new_lesion_frailty.sd",
)  # fmt: skip
START = np.array([
    2.98, 0.07, 0.11, -0.2, 0.1, 0.78, -0.32, -0.65, 1.41, 1.0, -0.37, 0.97, 0.48, 0.86, 0.18, 0.12, -0.23, 0.06,
    1.75, -0.28, 0.72, -0.08, 1.21, 0.03, 0.6, -0.44, -0.2, 1.01, 0.26, -0.11, 1.31,
])  # fmt: skip
"""Rounded values of an earlier search from rough ones."""
POSITIVE = ("baseline.sd", "slope_per_year.sd", "residual.additive", "new_lesion_frailty.sd")
CORRELATION = "effects.correlation[baseline,slope_per_year]"


@dataclass(frozen=True)
class Data:
    """Sizes by row with their patient; per patient the covariates and the death; per row at risk the new lesions."""

    patient: np.ndarray
    year: np.ndarray
    size: np.ndarray
    columns: dict[str, np.ndarray]
    end: np.ndarray
    died: np.ndarray
    new_patient: np.ndarray
    new_start: np.ndarray
    new_stop: np.ndarray
    new_count: np.ndarray
    new_at_risk: np.ndarray
    interval: bool


def read(folder: Path, kind: str) -> Data:
    """Return the data from the two published tables."""
    sizes = pl.read_csv(folder / "ffcd2000_05_tumour_size.csv")
    events = pl.read_csv(folder / "ffcd2000_05_events.csv")
    last = events.group_by("id", maintain_order=True).last()
    index = {patient: place for place, patient in enumerate(last["id"])}
    text = {name: last[name].to_numpy() for name in ("treatment", "age", "who.PS", "prev.resection")}
    columns = {
        "arm=combination": text["treatment"] == "C",
        "age_group=60-69": text["age"] == "60-69 years",
        "age_group=>69": text["age"] == ">69 years",
        "who_ps=1": text["who.PS"].astype(str) == "1",
        "who_ps=2": text["who.PS"].astype(str) == "2",
        "previous_resection=yes": text["prev.resection"] == "Yes",
    }
    if kind == "exact":
        rows = [(index[r["id"]], 0.0, r["gap.time"], r["new.lesions"], 1.0) for r in events.iter_rows(named=True)]
        rows = [row for row in rows if row[2] > 0]
    else:
        rows = list(_between_visits(sizes, events, last, index))
    new = np.array(rows, dtype=float)
    return Data(
        np.array([index[patient] for patient in sizes["id"]]), sizes["year"].to_numpy(), sizes["tumor.size"].to_numpy(),
        {name: value.astype(float) for name, value in columns.items()}, last["time1"].to_numpy(),
        last["state"].to_numpy().astype(float), new[:, 0].astype(int), *new[:, 1:].T, interval=kind == "interval",
    )  # fmt: skip


def _between_visits(sizes, events, last, index):
    for patient, end in zip(last["id"], last["time1"], strict=True):
        visits = np.unique(sizes.filter(pl.col("id") == patient)["year"].to_numpy())
        new = events.filter((pl.col("id") == patient) & (pl.col("new.lesions") == 1))["time1"].to_numpy()
        visits = np.unique(np.concatenate([visits, new]))
        seen = visits[visits <= end + 1e-9]
        yield index[patient], 0.0, max(seen.max(), 0.0), 0.0, 1.0
        for day, count in zip(*np.unique(new, return_counts=True), strict=True):
            yield index[patient], max(0.0, visits[visits < day - 1e-9].max(initial=0.0)), day, count, 0.0


def predictor(data: Data, names: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    """Return the linear predictor of each patient."""
    return sum((value * data.columns[name] for name, value in zip(names, values, strict=True)), np.zeros(len(data.end)))


def parameters(vector: np.ndarray) -> dict[str, float]:
    """Return the parameters at a vector of the search."""
    found = dict(zip(NAMES, vector, strict=True))
    return found | {name: np.exp(found[name]) for name in POSITIVE} | {CORRELATION: np.tanh(found[CORRELATION])}


def searched(values: dict[str, float]) -> np.ndarray:
    """Return the vector of the search at parameters."""
    moved = values | {name: np.log(values[name]) for name in POSITIVE} | {CORRELATION: np.arctanh(values[CORRELATION])}
    return np.array([moved[name] for name in NAMES])


def log_joint(data: Data, values: dict[str, float], effects: np.ndarray) -> np.ndarray:
    """Return log p(data, effects) of every patient at effects (patient, node, 3)."""
    at = np.array([values[name] for name in NAMES])
    beta, gamma, delta = at[1:6], at[14:20], at[25:28]
    first, second, frailty = np.moveaxis(effects, -1, 0)
    own = data.patient
    intercept = values["baseline.mean"] + predictor(data, SIZE_COLUMNS, beta)[:, None] + first
    slope = values["slope_per_year.mean"] + at[7] * data.columns["arm=combination"][:, None] + second
    sigma = values["residual.additive"]
    away = (data.size[:, None] - intercept[own] - slope[own] * data.year[:, None]) / sigma
    below = (LIMIT - intercept[own] - slope[own] * data.year[:, None]) / sigma
    terms = -0.5 * away**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    censored = data.size <= LIMIT
    terms[censored] = log_ndtr(below[censored])
    total = np.zeros(first.shape)
    np.add.at(total, own, terms)
    scale, shape = np.exp(values["death.log_scale_year"]), np.exp(values["death.log_shape"])
    rate = predictor(data, DEATH_COLUMNS, gamma)[:, None] + at[20] * first + at[21] * second + at[22] * frailty
    log_hazard = (np.log(shape / scale) + (shape - 1) * np.log(data.end / scale))[:, None] + rate
    total += data.died[:, None] * log_hazard - ((data.end / scale) ** shape)[:, None] * np.exp(rate)
    scale, shape = np.exp(values["new_lesion.log_scale_year"]), np.exp(values["new_lesion.log_shape"])
    rate = predictor(data, NEW_COLUMNS, delta)[:, None] + at[28] * first + at[29] * second + frailty
    passed = (data.new_stop / scale) ** shape - (data.new_start / scale) ** shape
    base = np.log(shape / scale) + (shape - 1) * np.log(np.maximum(data.new_stop, 1e-12) / scale)
    if data.interval:
        base = np.log(np.where(data.new_count > 0, passed, 1.0)) - gammaln(data.new_count + 1) / np.maximum(
            data.new_count, 1
        )
    counted, at_risk = (np.bincount(data.new_patient, w, minlength=len(data.end)) for w in
                        (data.new_count, data.new_at_risk * passed))  # fmt: skip
    known = np.bincount(data.new_patient, data.new_count * np.where(data.new_count > 0, base, 0.0), len(data.end))
    total += known[:, None] + counted[:, None] * rate - at_risk[:, None] * np.exp(rate)
    spread = np.array([values["baseline.sd"], values["slope_per_year.sd"]])
    rho, sd = values[CORRELATION], values["new_lesion_frailty.sd"]
    u, w = first / spread[0], second / spread[1]
    quadratic = (u**2 - 2 * rho * u * w + w**2) / (1 - rho**2) + (frailty / sd) ** 2
    log_volume = np.log(spread.prod()) + 0.5 * np.log(1 - rho**2) + np.log(sd) + 1.5 * np.log(2 * np.pi)
    return total - 0.5 * quadratic - log_volume


def place(data: Data, values: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes (patient, node, 3) about each patient's mode, and the logs of their weights."""
    count = len(data.end)
    mode, eye, step = np.zeros((count, 3)), np.eye(3), 1e-3
    moves = np.array([a * eye[i] + b * eye[j] for i in range(3) for j in range(3) for a in (1, -1) for b in (1, -1)])
    moves = np.concatenate([np.zeros((1, 3)), eye, -eye, moves]) * step
    for _ in range(60):
        value = log_joint(data, values, mode[:, None] + moves)
        gradient = (value[:, 1:4] - value[:, 4:7]) / (2 * step)
        cross = value[:, 7:].reshape(count, 3, 3, 4)
        hessian = (cross[..., 0] - cross[..., 1] - cross[..., 2] + cross[..., 3]) / (4 * step**2)
        curvature, axes = np.linalg.eigh(-0.5 * (hessian + np.swapaxes(hessian, 1, 2)))
        inside = np.einsum("pji,pj->pi", axes, gradient) / np.maximum(curvature, 0.05)
        way = np.einsum("pij,pj->pi", axes, inside)
        mode = mode + way / np.maximum(1.0, np.linalg.norm(way, axis=1, keepdims=True))
    root = axes / np.sqrt(np.maximum(curvature, 0.05))[:, None, :]
    one, weight = np.polynomial.hermite_e.hermegauss(NODES)
    grid = np.stack(np.meshgrid(one, one, one, indexing="ij"), axis=-1).reshape(-1, 3)
    weights = np.stack(np.meshgrid(weight, weight, weight, indexing="ij"), axis=-1).reshape(-1, 3)
    log_weight = np.log(weights).sum(axis=1)
    nodes = mode[:, None] + np.einsum("pij,nj->pni", root, grid)
    return nodes, log_weight + 0.5 * (grid**2).sum(axis=1) + np.log(np.abs(np.linalg.det(root)))[:, None]


def log_likelihood(data: Data, values: dict[str, float], placed: tuple[np.ndarray, np.ndarray] | None = None) -> float:
    """Return the marginal log likelihood."""
    nodes, log_weight = place(data, values) if placed is None else placed
    return float(logsumexp(log_joint(data, values, nodes) + log_weight, axis=1).sum())


def maximise(data: Data, start: dict[str, float], scale: np.ndarray) -> tuple[dict[str, float], float]:
    """Return the maximum and its value; ``scale`` are about the standard errors of the vector of the search."""
    values = start
    for _ in range(2):
        placed, origin = place(data, values), searched(values)

        def cost(white: np.ndarray, placed=placed, origin=origin) -> float:
            return -log_likelihood(data, parameters(origin + scale * white), placed)

        def slope(white: np.ndarray, cost=cost) -> np.ndarray:
            moves = 0.02 * np.eye(len(white))
            return np.array([(cost(white + move) - cost(white - move)) / 0.04 for move in moves])

        found = minimize(cost, np.zeros(len(NAMES)), jac=slope, method="BFGS", options={"gtol": 2e-3})
        values = parameters(origin + scale * found.x)
    return values, log_likelihood(data, values)


if __name__ == "__main__":
    given = read(Path(sys.argv[1]), sys.argv[2])
    best, height = maximise(given, dict(zip(NAMES, START, strict=True)), np.full(len(NAMES), 0.25))
    rows = {**best, "log_likelihood": height}
    frame = pl.DataFrame({"parameter": list(rows), "value": [round(value, 6) for value in rows.values()]})
    sys.stdout.write(frame.write_csv())
