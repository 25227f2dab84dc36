"""Sites in free text, as radiologists write them, in the words of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS: tuple[tuple[str, str], ...] = (
    ("lymph_node", r"lymph|\bnod(e|es|al)\b|\blns?\b|adenopath"),
    ("adrenal", r"adrenal|suprarenal"),
    ("pleura", r"pleura"),
    ("peritoneum", r"(?<!retro)periton|\boment|mesenter|carcinomatosis"),
    ("soft_tissue", r"soft tissue|subcutan|muscle|muscular|(chest|abdominal|thoracic) wall|psoas"),
    ("bone", r"\bbones?\b|osse|skelet|vertebra|\bspin(e|al)\b|\bribs?\b|femur|femoral|sacr(um|al)|sternum|sternal|"
             r"ili(um|ac) (bone|crest|wing)|\bilium\b|humerus|humeral|scapula|clavic|skull|acetabul|pelvic bone"),
    ("brain", r"brain|cerebr|cerebell|intracrani|mening"),
    ("liver", r"liver|hepat"),
    ("lung", r"\blungs?\b|pulmon|\blobes?\b(?!.*(liver|hepat|thyroid|prostat))|\b[rl][uml]l\b|lingula"),
    ("skin", r"\bskin\b|cutaneous|dermal"),
    ("kidney", r"kidney|\brenal\b"),
    ("primary", r"\bprimary\b"),
    ("other", r"pancrea|spleen|splenic|breast|bladder|prostat|ovar|uterus|uterine|cervi(x|cal) (mass|tumou?r|lesion)|"
              r"stomach|gastric|colon|rect(um|al)|bowel|duoden|thyroid|o?esophag|gallbladder|bile duct|heart|"
              r"pericard|parotid|orbit|testi|tongue|pharyn|laryn|retroperiton|mediastin|\bother\b"),
)  # fmt: skip
"""Organ of the schema and the words that tell of it; the first that is found counts, so that a hepatic lymph node is a
lymph node."""
_PATTERNS = tuple((organ, re.compile(words)) for organ, words in _WORDS)
_ABSENT = {"", "unknown", "not stated", "n/a", "na", "nan", "none"}


def organ_of(text: str | None) -> str | None:
    """Return the organ of `metachron.cohort.schema.ORGANS` that a text names; None where no word of it is known.

    ``"other"`` is an organ outside the vocabulary (pancreas, spleen ...), ``"unknown"`` an empty cell.
    """
    said = " ".join(re.sub(r"[_/,;.()\-]+", " ", (text or "").lower()).split())
    if said in _ABSENT:
        return "unknown"
    return next((organ for organ, pattern in _PATTERNS if pattern.search(said)), None)


def map_organs(texts: Iterable[str | None]) -> tuple[list[str], dict[str, int]]:
    """Return the organ of every text, ``"unknown"`` where no word of it is known; and the counts of those texts."""
    organs: list[str] = []
    unmapped: dict[str, int] = {}
    for text in texts:
        organ = organ_of(text)
        if organ is None:
            unmapped[str(text)] = unmapped.get(str(text), 0) + 1
        organs.append(organ or "unknown")
    return organs, unmapped


def unmapped_note(unmapped: dict[str, int]) -> str:
    """Return the sentence that lists every text that could not be mapped."""
    listed = ", ".join(f"{text!r} ({count})" for text, count in sorted(unmapped.items(), key=lambda item: -item[1]))
    return f"sites whose text names no organ of the vocabulary are 'unknown'; texts and lesions: {listed}"
