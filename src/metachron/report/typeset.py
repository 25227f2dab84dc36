"""Text for the page: escaped, numbers kept on one line with their unit, identifiers of papers as links."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_UNIT = re.compile(r"(?<=\d) (?=%|mm\b|months\b)")
_DOI = re.compile(r"doi:(10\.\d+/[^\s,;]+)")


def typeset(value: object) -> object:
    """Return text as HTML; what is HTML already, and what is not text, passes as it is."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    joined = _UNIT.sub("\N{NO-BREAK SPACE}", value)
    return Markup(_DOI.sub(_link, str(escape(joined))))


def _link(found: re.Match[str]) -> str:
    """Return a link to the paper; full stops and brackets of the sentence around it stay outside."""
    name = found[1].rstrip(".")
    while name.endswith(")") and name.count(")") > name.count("("):
        name = name[:-1].rstrip(".")
    rest = found[1][len(name) :]
    return f'<a href="https://doi.org/{name}">doi:{name}</a>{rest}'
