"""Markers named in a text: columns, scales and cut-offs, genes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metachron.base import ModelError, list_briefly
from metachron.benefit.markers import Marker
from metachron.cohort import Cohort
from metachron.scores import gene_alterations, with_features

_SCALED = re.compile(r"(log1p|sqrt)\((\w+)\)")
_CUT = re.compile(r"(\w+)\s*>=\s*([0-9.eE+-]+)")
SEQUENCED = "sequenced"


def read_marker(text: str) -> Marker:
    """Return the marker that a text names: ``btmb``, ``sqrt(btmb)``, ``log1p(btmb)`` or ``btmb>=16``.

    A number counts per standard deviation.
    """
    name = text.strip()
    if found := _SCALED.fullmatch(name):
        return Marker(found[2], transform=found[1], per="sd")  # type: ignore[arg-type]
    if found := _CUT.fullmatch(name):
        try:
            return Marker(found[1], above=float(found[2]))
        except ValueError:
            raise ModelError(f"the cut-off of {name!r} is not a number") from None
    if re.fullmatch(r"\w+", name):
        return Marker(name, per="sd")
    raise ModelError(
        f"{name!r} names no marker; write a column (btmb), its scale (sqrt(btmb), log1p(btmb)), a cut-off (btmb>=16), "
        "or a gene of the table alterations (STK11)"
    )


def read_markers(
    cohort: Cohort, texts: Sequence[str], *, sequenced: str | None, together: Cohort | None = None
) -> tuple[Cohort, tuple[Marker, ...], Cohort | None]:
    """Return the markers that texts name, and the cohorts with the genes among them as columns.

    A name that is no column of ``patients`` but a gene of ``alterations`` is that gene, altered or not.

    Parameters
    ----------
    sequenced : column that says who was sequenced; None: that of the cohort's provenance, where it has one.
    together : another cohort that gets the same genes, where it has them.

    Raises
    ------
    ModelError
        When a text names neither a column nor a gene, or nothing says who was sequenced.
    """
    markers = tuple(read_marker(text) for text in texts)
    absent = [marker.column for marker in markers if marker.column not in cohort.patients.columns]
    genes = _present(cohort, absent)
    if unknown := [name for name in absent if name not in genes]:
        raise ModelError(
            f"{cohort.name} has neither a column nor a gene called {list_briefly(unknown)}; its covariates are "
            f"{list_briefly(cohort.patients.columns[3:], 30)}"
        )
    if not genes:
        return cohort, markers, together
    renamed = tuple(
        Marker(f"altered_{marker.column}", kind="binary") if marker.column in genes else marker for marker in markers
    )
    other = None if together is None else _with_genes(together, _present(together, genes), sequenced)
    return _with_genes(cohort, genes, sequenced), renamed, other


def _present(cohort: Cohort, genes: Sequence[str]) -> list[str]:
    known = set(cohort.alterations["gene"].drop_nulls())
    return [gene for gene in genes if gene in known]


def _with_genes(cohort: Cohort, genes: Sequence[str], sequenced: str | None) -> Cohort:
    if not genes:
        return cohort
    column = sequenced or cohort.provenance.get(SEQUENCED)
    if column is None:
        raise ModelError(
            f"{list_briefly(genes)} are genes of {cohort.name}, and nothing says who was sequenced: without a variant "
            "a patient is unaltered only if so; name the column of table patients that says it (--sequenced COLUMN)"
        )
    return with_features(cohort, gene_alterations(cohort, genes, sequenced=column))
