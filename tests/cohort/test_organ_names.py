"""Sites in free text: the organ that they name, and the texts that name none."""

from __future__ import annotations

import pytest

from metachron.cohort.organ_names import map_organs, organ_of


@pytest.mark.parametrize(
    ("text", "organ"),
    [
        ("Liver, segment 4", "liver"), ("HEPATIC dome", "liver"), ("hepatic hilar lymph node", "lymph_node"),
        ("Retroperitoneal LN", "lymph_node"), ("left adrenal", "adrenal"), ("suprarenal mass", "adrenal"),
        ("Renal", "kidney"), ("omental cake", "peritoneum"), ("Retroperitoneum", "other"), ("Pleura R", "pleura"),
        ("subcutaneous nodule back", "soft_tissue"), ("cutaneous", "skin"), ("left lower lobe", "lung"),
        ("RUL", "lung"), ("caudate lobe of liver", "liver"), ("rib 7", "bone"), ("tribe", None),
        ("frontal brain", "brain"), ("pancreatic tail", "other"), ("primary tumour", "primary"), ("", "unknown"),
        (None, "unknown"), ("lesion 3", None),
    ],
)  # fmt: skip
def test_organ_of_a_text(text: str | None, organ: str | None) -> None:
    assert organ_of(text) == organ


def test_texts_without_an_organ_are_counted() -> None:
    organs, unmapped = map_organs(["liver", "lesion 3", "lesion 3", "", "here"])
    assert organs == ["liver", "unknown", "unknown", "unknown", "unknown"]
    assert unmapped == {"lesion 3": 2, "here": 1}
