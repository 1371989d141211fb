"""A report's page as a browser would see it, and what no page of a report may hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr", "base"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; open elements must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""

    def values(self, name: str) -> list[str]:
        return [value or "" for _, attribute, value in self.attributes if attribute == name]


def inert(page: Page) -> None:
    """Check that a page can do nothing: no script, no address, no event, no style but the plots' own width."""
    allowed = set(
        "html head meta title style body a header h1 dl div dt dd nav ol li main ul span section h2 h3 p figure "
        "figcaption table caption thead tbody tr th td small br code pre strong details summary svg desc g "
        "rect line circle path text".split()
    )
    assert set(page.tags) <= allowed
    assert [v for n in ("src", "action", "srcset", "data", "xlink:href", "formaction") for v in page.values(n)] == []
    assert all(re.fullmatch(r"#[a-z_0-9-]+", href) for href in page.values("href"))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert all(re.fullmatch(r"min-width: \d+px", style) for style in page.values("style"))
