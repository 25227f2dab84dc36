"""The directive ``{generated} NAME``: a table made from the code when the page is built, so that it cannot go stale."""

from __future__ import annotations

from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import TABLES


class Generated(SphinxDirective):
    """Insert the Markdown that the named function returns."""

    required_arguments = 1
    has_content = False
    option_spec: ClassVar[dict[str, object]] = {}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in TABLES:
            raise self.error(f"there is no generated table {name!r}; known: {', '.join(sorted(TABLES))}")
        return self.parse_text_to_nodes(TABLES[name](), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
