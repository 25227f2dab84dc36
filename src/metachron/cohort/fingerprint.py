"""A hash of what a cohort holds, independent of the order of rows and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import numpy as np
import polars as pl


def fingerprint(tables: Mapping[str, pl.DataFrame], limit_mm: float) -> str:
    """Return the SHA-256 (hexadecimal) of all rows of all tables and of the limit in mm.

    Empty tables do not count; neither do the order of tables, columns and rows, the name, notes and provenance.
    """
    digest = sha256(np.float64(limit_mm).tobytes())
    for name in sorted(tables):
        frame = tables[name]
        if not frame.is_empty():
            digest.update(_sized(name))
            ordered = frame.select(sorted(frame.columns))
            for column in ordered.sort(ordered.columns, nulls_last=True):
                for chunk in _chunks(column):
                    digest.update(chunk)
    return digest.hexdigest()


def _sized(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(8, "little") + data


def _chunks(column: pl.Series) -> Iterator[bytes]:
    yield _sized(f"{column.name}:{column.dtype}:{len(column)}")
    yield np.packbits(column.is_null().to_numpy()).tobytes()
    if column.dtype == pl.String:
        texts = column.fill_null("")
        yield texts.str.len_bytes().to_numpy().astype("<i8").tobytes()
        yield _sized("".join(texts.to_list()))
    else:
        yield (column.fill_null(0.0).to_numpy().astype("<f8") + 0.0).tobytes()  # -0.0 becomes 0.0
