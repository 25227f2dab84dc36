"""A page as a browser finds it."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """What a browser would find: open tags in order, identifiers, links, and complaints."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.complaints: list[str] = []
        self.tags: list[str] = []
        self.identifiers: list[str] = []
        self.targets: list[str] = []
        self.charts: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.identifiers.append(str(value))
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.targets.append(str(value))
        if tag == "svg":
            self.charts.append(dict(attrs))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.complaints.append(tag)
