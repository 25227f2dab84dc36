"""Whether genes are altered, alone and together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from metachron.base import ModelError, list_briefly
from metachron.cohort import Cohort
from metachron.scores.sequencing import sequenced_patients
from metachron.scores.variants import PROTEIN_CHANGING, VariantFilter, select_variants

LUNG_GENES = ("STK11", "KEAP1", "TP53", "EGFR", "KRAS")
"""Genes that response to a checkpoint inhibitor in lung cancer is said to depend on: Skoulidis and others 2018, Cancer
Discov 8:822, doi:10.1158/2159-8290.CD-18-0099, for STK11, TP53 and KRAS."""
CHANGING = VariantFilter(kinds=PROTEIN_CHANGING)
"""Synonymous and non-coding variants do not count. No difference is made between activating and other changes."""


def gene_alterations(
    cohort: Cohort,
    genes: Sequence[str],
    *,
    sequenced: str,
    variants: VariantFilter = CHANGING,
    together: Sequence[Sequence[str]] = (),
    panel: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return patient and a true or false for each gene: ``altered_KRAS``, and for co-mutations ``altered_KRAS_STK11``.

    True: at least one variant that counts, in all genes for a co-mutation. False: sequenced, without one. Null: not
    sequenced, never false. False says no more than the assay can see: plasma of OAK and POPLAR was read for
    substitutions, so that deletions, as in exon 19 of EGFR, are not in it.

    Parameters
    ----------
    sequenced : column that says who was sequenced, see `sequenced_patients`.
    variants : which variants count.
    together : groups of ``genes`` whose alteration together is asked for.
    panel : the genes that were sequenced. Without it a gene in which nobody has a variant is refused, since it may not
        have been on the panel.

    Raises
    ------
    ModelError
        When a gene is not on the panel, or a co-mutation names a gene that is not in ``genes``; and as
        `sequenced_patients` does.
    InputError
        As `sequenced_patients` and `select_variants` do.
    """
    _refuse_unknown(cohort, genes, together, panel)
    patients = sequenced_patients(cohort, sequenced)
    altered = select_variants(cohort, variants).group_by("patient").agg(pl.col("gene").unique())
    table = patients.join(altered, on="patient", how="left", maintain_order="left")
    found = {gene: pl.col("gene").list.contains(gene).fill_null(False) for gene in dict.fromkeys(genes)}
    columns = {f"altered_{gene}": known for gene, known in found.items()}
    columns |= {f"altered_{'_'.join(group)}": pl.all_horizontal(found[gene] for gene in group) for group in together}
    return table.select("patient", *(pl.when("sequenced").then(known).alias(name) for name, known in columns.items()))


def _refuse_unknown(
    cohort: Cohort, genes: Sequence[str], together: Sequence[Sequence[str]], panel: Collection[str] | None
) -> None:
    known = set(cohort.alterations["gene"]) if panel is None else set(panel)
    unknown = [gene for gene in dict.fromkeys(genes) if gene not in known]
    if unknown and panel is None:
        raise ModelError(
            f"nobody in {cohort.name} has a variant in {list_briefly(unknown, 20)}: it may not have been sequenced; "
            "name the genes of the panel (panel=...) if it was"
        )
    if unknown:
        raise ModelError(f"{list_briefly(unknown, 20)} is not on the panel")
    apart = sorted({gene for group in together for gene in group} - set(genes))
    if apart:
        raise ModelError(f"co-mutations name {list_briefly(apart, 20)}, which is not among the genes asked for")
