"""Patients in blocks of one shape: rows of 64 nodes, all rows of a patient in the same block.

A block is a `Design` in which every row counts as a patient, so the formulas of the joint room serve it as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from metachron.cohort.arrays import bucket
from metachron.joint.design import Binding, Design, Events, Rows
from metachron.joint.stretches import Stretches

LANES = 64
"""Nodes in a row."""
ROWS = 64
"""Rows in a block: a patient has 64 to 4,096 nodes."""
_TIMES, _COUNTS = ("start_year", "stop_year", "origin_year"), ("survived", "exact", "interval", "marks")
SLAB = 16
"""Blocks in a slab: what is tabulated at a time where the tables of all blocks need not stand side by side."""


class SeriesRows(NamedTuple):
    """The lesions of each block's rows, where sizes are modelled lesion by lesion: a patient's once for each row.

    ``series`` is the lesion in the cohort, ``row`` its row in the block, ``part`` counts the rows of its patient,
    ``home`` is its place among the lesions of its patient's first row, and ``weight`` 0 for padding.
    """

    series: np.ndarray
    row: np.ndarray
    part: np.ndarray
    home: np.ndarray
    weight: np.ndarray


class Blocks(NamedTuple):
    """Designs of all blocks, stacked along a first axis, and whose rows they are.

    ``patient`` is the patient of each row, ``slot`` the place of that patient within the block, ``part`` counts the
    rows of a patient, ``share`` is 1 / (rows of the patient), and ``weight`` 0 for a row of padding.
    ``slot_patient`` is the patient in each slot, -1 for none; ``lesions`` is there where patients have single ones.
    """

    design: Design
    patient: np.ndarray
    slot: np.ndarray
    part: np.ndarray
    share: np.ndarray
    weight: np.ndarray
    slot_patient: np.ndarray
    lesions: SeriesRows | None = None


def make_blocks(binding: Binding, rows_per_patient: np.ndarray, *, mean_rows: int) -> Blocks:
    """Return the blocks of a cohort.

    Parameters
    ----------
    rows_per_patient : a power of 2 up to `ROWS` for each patient that is not padding.
    mean_rows : at least their mean. The number of blocks depends on it and on the (bucketed) number of patients, so
        that another cohort of the bucket, whose patients have other needs, compiles nothing.

    Raises
    ------
    ValueError
        When a number of rows is not such a power of 2: a patient would be split between two blocks.
    """
    if (
        (rows_per_patient < 1).any()
        or (rows_per_patient & (rows_per_patient - 1)).any()
        or max(rows_per_patient) > ROWS
    ):
        raise ValueError(f"rows of a patient must be a power of 2 up to {ROWS}; found {np.unique(rows_per_patient)}")
    patients = np.flatnonzero(np.asarray(binding.design.patient_weight) > 0)
    order = np.argsort(-rows_per_patient, kind="stable")
    index = np.repeat(np.arange(len(order)), rows_per_patient[order])
    count = -(-max(len(index), mean_rows * binding.dims.patients) // ROWS)
    blocks = count if count <= SLAB else -(-bucket(count) // SLAB) * SLAB
    shape = (blocks, ROWS)
    patient = np.zeros(blocks * ROWS, dtype=np.int32)
    patient[: len(index)] = patients[order][index]
    patient[len(index) :] = patients[order][0]
    weight = np.zeros(blocks * ROWS)
    weight[: len(index)] = 1.0
    first = np.concatenate([[0], np.cumsum(rows_per_patient[order])[:-1]])
    part = np.zeros(blocks * ROWS, dtype=np.int32)
    part[: len(index)] = np.arange(len(index)) - first[index]
    share = np.ones(blocks * ROWS)
    share[: len(index)] = 1.0 / rows_per_patient[order][index]
    by_block = [array.reshape(shape) for array in (patient, part, share, weight)]
    return _assemble(binding, *by_block)


def slabs(blocks: Blocks) -> Iterator[Blocks]:
    """Yield the blocks by slabs of one length, the last one filled up with blocks of padding; few blocks as one."""
    count = len(blocks.patient)
    length = min(SLAB, count)
    for start in range(0, count, length):
        taken = np.minimum(np.arange(start, start + length), count - 1)
        slab = jax.tree.map(lambda leaf, at=taken: np.asarray(leaf)[at], blocks)
        beyond = np.arange(start, start + length) >= count
        weight, slot_patient = (value.copy() for value in (slab.weight, slab.slot_patient))
        weight[beyond], slot_patient[beyond] = 0.0, -1
        design = slab.design._replace(patient_weight=jnp.asarray(weight))
        yield slab._replace(design=design, weight=weight, slot_patient=slot_patient)


def _assemble(binding: Binding, patient: np.ndarray, part: np.ndarray, share: np.ndarray, weight: np.ndarray) -> Blocks:
    slot, slot_patient = _slots(patient, part, weight)
    design, lesions = _block_design(binding.design, patient, weight), None
    if any(lesion is not None for _, lesion in binding.labels.series):
        design, lesions = _with_lesions(binding, design, patient, part, weight)
    return Blocks(design, patient, slot, part, share, weight, slot_patient, lesions)


def _with_lesions(
    binding: Binding, design: Design, patient: np.ndarray, part: np.ndarray, weight: np.ndarray
) -> tuple[Design, SeriesRows]:
    """Return the design with the lesions of each block's rows as its series, and which lesions these are."""
    whole, count = binding.design, len(binding.labels.series)
    owner = np.asarray(whole.series_patient)[:count]
    order = np.argsort(owner, kind="stable")
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count) - np.searchsorted(owner[order], owner[order])
    taken, local, known = _repeated(owner, np.ones(count, dtype=bool), patient, weight, length=bucket)
    blocks = np.arange(len(patient))[:, None]
    lengths = np.where(weight > 0, np.bincount(owner, minlength=int(patient.max()) + 1)[patient], 0)
    first = np.cumsum(lengths, axis=1) - lengths
    home = first[blocks, local - part[blocks, local]] + rank[taken]

    def place(rows: Rows | None, given: Rows | None) -> Rows | None:
        """Return rows with their lesions: ``given`` are those of the cohort."""
        if rows is None or given is None:
            return None
        found = _repeated(np.asarray(given.patient), np.asarray(given.weight) > 0, patient, weight)
        series = np.where(found[2], first[blocks, found[1]] + rank[np.asarray(given.series)[found[0]] % count], 0)
        return rows._replace(series=jnp.asarray(series.astype(np.int32)))

    organ = None if whole.series_organ is None else jnp.asarray(np.asarray(whole.series_organ)[taken])
    placed = design._replace(
        measured=place(design.measured, whole.measured),
        censored=place(design.censored, whole.censored),
        series_patient=jnp.asarray(local),
        series_organ=organ,
    )
    return placed, SeriesRows(taken, local, part[blocks, local], home, known.astype(float))


def _slots(patient: np.ndarray, part: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slot of each row, and the patient of each slot; padding shares the last slot that is left."""
    begins = (part == 0) & (weight > 0)
    slot = np.maximum(np.cumsum(begins, axis=1) - 1, 0).astype(np.int32)
    slot_patient = np.full(patient.shape, -1, dtype=np.int32)
    block, row = np.nonzero(begins)
    slot_patient[block, slot[block, row]] = patient[block, row]
    return slot, slot_patient


def _block_design(design: Design, patient: np.ndarray, weight: np.ndarray) -> Design:
    blocks = len(patient)

    def pick(leaf: Any) -> Array:
        return jnp.asarray(np.asarray(leaf)[patient])

    events = None if design.events is None else Events(*(pick(leaf) for leaf in design.events))
    return Design(
        measured=_block_rows(design.measured, patient, weight),
        censored=_block_rows(design.censored, patient, weight),
        series_patient=jnp.tile(jnp.arange(ROWS), (blocks, 1)),
        patient_weight=jnp.asarray(weight),
        arm=pick(design.arm),
        study_arm=pick(design.study_arm),
        columns={name: pick(matrix) for name, matrix in design.columns.items()},
        events=events,
        knots_year=jnp.tile(design.knots_year, (blocks, 1)),
        stretches=_block_stretches(design.stretches, patient, weight),
    )


def _block_rows(rows: Rows | None, patient: np.ndarray, weight: np.ndarray) -> Rows | None:
    """Return the measurements of each block's patients, repeated for each of their rows, padded to one length."""
    if rows is None:
        return None
    taken, local, known = _repeated(np.asarray(rows.patient), np.asarray(rows.weight) > 0, patient, weight)
    time_year = np.where(known, np.asarray(rows.time_year)[taken], 0.5)
    value = np.where(known, np.asarray(rows.value)[taken], np.asarray(rows.value)[0])
    return Rows(*(jnp.asarray(column) for column in (time_year, value, local, local, known.astype(float))))


def _block_stretches(rows: Stretches | None, patient: np.ndarray, weight: np.ndarray) -> Stretches | None:
    """Return the stretches of each block's patients in the same way."""
    if rows is None:
        return None
    something = np.asarray(rows.survived + rows.exact + rows.interval) > 0
    taken, local, known = _repeated(np.asarray(rows.patient), something, patient, weight)

    def counts(values: Any) -> Array:
        own = np.asarray(values)[taken]
        return jnp.asarray(own * known.reshape(known.shape + (1,) * (own.ndim - 2)))

    times = {name: jnp.asarray(np.asarray(getattr(rows, name))[taken]) for name in _TIMES}
    numbers = {name: counts(getattr(rows, name)) for name in _COUNTS}
    knots = jnp.tile(rows.knots_year, (len(patient), 1))
    return Stretches(patient=jnp.asarray(local), knots_year=knots, **times, **numbers)


def _repeated(
    owners: np.ndarray,
    real: np.ndarray,
    patient: np.ndarray,
    weight: np.ndarray,
    length: Callable[[int], int] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each block which flat rows its patients have, once for each of their rows in the block, padded to one
    length (the next power of 2, unless said); the row of the block to which each belongs; and whether it is more than
    padding.
    """
    real = np.flatnonzero(real)
    real = real[np.argsort(owners[real], kind="stable")]
    owner = owners[real]
    size = int(max(patient.max(), owner.max(initial=0))) + 1
    counts = np.bincount(owner, minlength=size)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    blocks = len(patient)
    lengths = np.where(weight > 0, counts[patient], 0)
    longest = (length or _power_of_2)(max(8, int(lengths.sum(axis=1).max())))
    taken = np.zeros((blocks, longest), dtype=np.int64)
    local = np.zeros((blocks, longest), dtype=np.int32)
    known = np.zeros((blocks, longest), dtype=bool)
    flat_block, flat_row = np.nonzero(lengths)
    repeats = lengths[flat_block, flat_row]
    ends = np.cumsum(repeats)
    within = np.arange(repeats.sum()) - np.repeat(ends - repeats, repeats)
    block = np.repeat(flat_block, repeats)
    before_block = np.concatenate([[0], np.cumsum(lengths.sum(axis=1))[:-1]])
    column = np.arange(repeats.sum()) - before_block[block]
    taken[block, column] = real[np.repeat(starts[patient[flat_block, flat_row]], repeats) + within]
    local[block, column] = np.repeat(flat_row, repeats)
    known[block, column] = True
    return taken, local, known


def _power_of_2(count: int) -> int:
    return int(2 ** math.ceil(math.log2(count)))
