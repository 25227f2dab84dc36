"""A figure as SVG text that stands inside a page: the same bytes every time, identifiers of its own, no date."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
from matplotlib.figure import Figure

_SETTINGS: dict[Any, Any] = {"svg.hashsalt": "metachron", "svg.fonttype": "none"}
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_IDENTIFIERS = re.compile(r'(\bid="|href="#|url\(#)')


def to_svg(figure: Figure, *, name: str = "figure", label: str = "") -> str:
    """Return the figure as an ``<svg>`` element.

    Parameters
    ----------
    name : put before every identifier, so that several figures can stand on one page.
    label : alternative text, read out by screen readers.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    text = buffer.getvalue()
    element = text[text.index("<svg") :].strip()
    element = _IDENTIFIERS.sub(rf"\g<1>{name}-", element)
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    spoken = f'<svg role="img" aria-label="{escaped}"' if label else "<svg"
    return element.replace("<svg", spoken, 1)
