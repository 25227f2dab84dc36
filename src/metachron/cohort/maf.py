"""Read a file in Mutation Annotation Format (MAF) into the table alterations.

Columns and classifications: GDC MAF format v1.0.0, https://docs.gdc.cancer.gov/Data/File_Formats/MAF_Format, and the
TCGA specification 2.4.1 that it builds on. Only three columns are required; further ones are used where they are there.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from metachron.base import InputError, Problem, list_briefly
from metachron.cohort.frames import ROW, patients_of

TABLE = "alterations"
SUFFIXES = (".maf", ".maf.gz")
REQUIRED = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")
KINDS = {
    "Missense_Mutation": "missense", "Nonsense_Mutation": "nonsense", "Silent": "synonymous", "Splice_Site": "splice",
    "Frame_Shift_Del": "frameshift", "Frame_Shift_Ins": "frameshift", "In_Frame_Del": "inframe",
    "In_Frame_Ins": "inframe", "Nonstop_Mutation": "nonstop", "Translation_Start_Site": "start",
    "Splice_Region": "splice region", "Targeted_Region": "targeted region", "3'UTR": "noncoding", "5'UTR": "noncoding",
    "3'Flank": "noncoding", "5'Flank": "noncoding", "IGR": "noncoding", "Intron": "noncoding", "RNA": "noncoding",
}  # fmt: skip
"""What each Variant_Classification is called in the column ``kind``."""
_TEXTS = {
    "Chromosome": "chromosome", "Reference_Allele": "reference_sequence", "Tumor_Seq_Allele2": "alternate_sequence",
    "Transcript_ID": "transcript", "HGVSc": "cds_syntax", "Mutation_Status": "mutation_status", "FILTER": "filter",
}  # fmt: skip
_NUMBERS = {"Start_Position": "position", "t_depth": "depth"}
_COUNTS = ("Start_Position", "t_depth", "t_ref_count", "t_alt_count")
_EMPTY = ("", ".", "NA")
_GZIP = b"\x1f\x8b"


def read_maf(path: str | Path, *, patients: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Return the rows of a MAF file (plain or gzip) as a table ``alterations``, one per variant and sample.

    ``alteration`` is HGVSp_Short, else HGVSc; ``kind`` a word of `KINDS`; ``allele_fraction`` t_alt_count / t_depth, or
    over t_ref_count + t_alt_count where no depth is given, and null without counts or at depth 0. Further columns:
    ``sample`` (the barcode), ``variant_classification`` and those of position, alleles, transcript, status and filter
    that the file has. A MAF file has rows for variants only: that somebody was sequenced and has none, it cannot say.

    Parameters
    ----------
    patients : patient of each Tumor_Sample_Barcode; without it the barcode is the patient. For barcodes of TCGA the
        first 12 characters name the patient.

    Raises
    ------
    InputError
        With every problem: a file that cannot be read, required columns or cells that are not there, classifications
        that the format does not know, counts that are not whole numbers, more variant reads than reads, barcodes
        without a patient.
    """
    path = Path(path)
    raw = _read(path)
    absent = [name for name in REQUIRED if name not in raw.columns]
    if absent:
        found, expected = f"no column {list_briefly(absent)}", "the columns of the Mutation Annotation Format"
        raise InputError([_problem(path, "missing-column", found, expected)], path.name)
    frame = raw.with_columns(pl.when(~pl.col(raw.columns).is_in(_EMPTY)).then(pl.col(raw.columns)).name.keep())
    frame = frame.with_row_index(ROW, offset=1)
    problems = [*_wrong_cells(frame, path), *_wrong_counts(frame, path), *_unknown_samples(frame, patients, path)]
    if problems:
        raise InputError(problems, path.name)
    return _alterations(frame, patients)


def _read(path: Path) -> pl.DataFrame:
    """Return the file as text cells; lines that begin with # are comments."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(_GZIP) else data
        data.decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError([_unreadable(path, str(error).splitlines()[0])], path.name) from error
    lines = [line for line in data.splitlines() if line.strip() and not line.startswith(b"#")]
    if not lines:
        raise InputError([_unreadable(path, "no header line")], path.name)
    width = lines[0].count(b"\t")
    ragged = tuple(row for row, line in enumerate(lines[1:], start=1) if line.count(b"\t") != width)
    names = lines[0].decode().split("\t")
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = []
    if twice:
        problems.append(_problem(path, "header", f"column {list_briefly(twice)} twice", "every column once"))
    if ragged:
        found, expected = f"{len(ragged)} rows with more or fewer cells", f"{width + 1} cells, as in the header"
        problems.append(replace(_problem(path, "ragged-row", found, expected), rows=ragged))
    if problems:
        raise InputError(problems, path.name)
    return pl.read_csv(io.BytesIO(b"\n".join(lines)), separator="\t", infer_schema=False, quote_char=None)


def _unreadable(path: Path, found: str) -> Problem:
    return _problem(path, "unreadable-file", found, "a table with tabs and a header line, plain or gzip")


def _alterations(frame: pl.DataFrame, patients: Mapping[str, str] | None) -> pl.DataFrame:
    barcode = pl.col("Tumor_Sample_Barcode")
    syntax = [pl.col(name) for name in ("HGVSp_Short", "HGVSc") if name in frame.columns]
    columns = {
        "patient": barcode if patients is None else barcode.replace_strict(patients, return_dtype=pl.String),
        "gene": pl.col("Hugo_Symbol"),
        "alteration": pl.coalesce(syntax) if syntax else pl.lit(None, pl.String),
        "kind": pl.col("Variant_Classification").replace_strict(KINDS, return_dtype=pl.String),
        "allele_fraction": _allele_fraction(frame),
        "sample_day": pl.lit(None, pl.Float64),
        "sample": barcode,
        "variant_classification": pl.col("Variant_Classification"),
    }
    columns |= {ours: pl.col(theirs) for theirs, ours in _TEXTS.items() if theirs in frame.columns}
    columns |= {ours: pl.col(theirs).cast(pl.Float64) for theirs, ours in _NUMBERS.items() if theirs in frame.columns}
    return frame.select(**columns)


def _allele_fraction(frame: pl.DataFrame) -> pl.Expr:
    if "t_alt_count" not in frame.columns:
        return pl.lit(None, pl.Float64)
    reads = _reads(frame)
    return pl.when(reads > 0).then(pl.col("t_alt_count").cast(pl.Float64) / reads)


def _reads(frame: pl.DataFrame) -> pl.Expr:
    """Return the number of reads: the depth, else reference and variant reads together; null where neither is known."""
    known = [pl.col("t_depth").cast(pl.Float64)] if "t_depth" in frame.columns else []
    if "t_ref_count" in frame.columns:
        known.append(pl.col("t_ref_count").cast(pl.Float64) + pl.col("t_alt_count").cast(pl.Float64))
    return pl.coalesce(known) if known else pl.lit(None, pl.Float64)


def _wrong_cells(frame: pl.DataFrame, path: Path) -> list[Problem]:
    problems = [
        _problem(
            path,
            "missing",
            "empty cells",
            "a value in every row",
            column=name,
            rows=frame.filter(pl.col(name).is_null()),
        )
        for name in REQUIRED
        if frame[name].null_count()
    ]
    kind = pl.col("Variant_Classification")
    strange = frame.filter(kind.is_not_null() & ~kind.is_in(list(KINDS)))
    if strange.height:
        found = list_briefly(strange["Variant_Classification"].unique(maintain_order=True))
        expected = f"one of {', '.join(KINDS)}"
        problems.append(_problem(path, "label", found, expected, column="Variant_Classification", rows=strange))
    return problems


def _wrong_counts(frame: pl.DataFrame, path: Path) -> list[Problem]:
    counts = [name for name in _COUNTS if name in frame.columns]
    problems = []
    for name in counts:
        number = pl.col(name).cast(pl.Int64, strict=False)
        bad = frame.filter(pl.col(name).is_not_null() & (number.is_null() | (number < 0)))
        if bad.height:
            found = list_briefly(bad[name].unique(maintain_order=True))
            problems.append(_problem(path, "not-a-number", found, "a whole number from 0 on", column=name, rows=bad))
    if not problems and "t_alt_count" in counts:
        more = frame.filter(pl.col("t_alt_count").cast(pl.Float64) > _reads(frame))
        if more.height:
            found, expected = "more variant reads than reads", "t_alt_count up to t_depth"
            problems.append(_problem(path, "allele-fraction", found, expected, column="t_alt_count", rows=more))
    return problems


def _unknown_samples(frame: pl.DataFrame, patients: Mapping[str, str] | None, path: Path) -> list[Problem]:
    if patients is None:
        return []
    column = "Tumor_Sample_Barcode"
    unknown = frame.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(list(patients)))
    if unknown.is_empty():
        return []
    found = list_briefly(unknown[column].unique(maintain_order=True))
    return [_problem(path, "unknown-sample", found, "a barcode that patients names", column=column, rows=unknown)]


def _problem(
    path: Path, rule: str, found: str, expected: str, *, column: str | None = None, rows: pl.DataFrame | None = None
) -> Problem:
    return Problem(
        rule,
        found=found,
        expected=expected,
        remedy="correct the file, or write it again from where it comes",
        file=path.name,
        table=TABLE,
        column=column,
        rows=() if rows is None else tuple(rows[ROW].to_list()),
        patients=() if rows is None else patients_of(rows),
    )
