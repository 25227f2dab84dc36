"""Formulas as MathML, which every current browser renders by itself: no script, no font from a network."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

_LOG = logging.getLogger(__name__)


def _inline(writer: Any, node: nodes.Element) -> None:
    writer.body.append(_convert(node, as_block=False))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.Element) -> None:
    writer.body.append(f'<div class="math">{_convert(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def _convert(node: nodes.Element, *, as_block: bool) -> str:
    """Return a formula as MathML; one that cannot be converted is a warning, which fails the build, and stays TeX."""
    try:
        return latex2mathml.tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        _LOG.warning("formula %r: %s", node.astext(), error, location=node)
        return escape(node.astext())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer ``mathml``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
