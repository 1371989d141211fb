"""Model cards as blocks: every form that cards have, and no markup of whoever wrote one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from threatclip.service.pages.markdown import Block, Text, blocks_of
from threatclip.service.pages.rendering import environment

CARD = """---
library_name: threatclip
tags: [payload]
---

# Weakness of a payload

Trained by `threatclip`,
**seed 0**.

- one item
  that goes on
- `code` in another

| metric | value |
|---|---:|
| accuracy | 0.8 |

```sh
threatclip evaluate RUN | cat
```
"""


def plain(text: str) -> Text:
    return ((False, text),)


def test_a_card_becomes_its_blocks() -> None:
    assert blocks_of(CARD) == [
        Block(kind="heading", lines=(plain("Weakness of a payload"),)),
        Block(kind="words", lines=(((False, "Trained by "), (True, "threatclip"), (False, ", seed 0.")),)),
        Block(kind="items", lines=(plain("one item that goes on"), ((True, "code"), (False, " in another")))),
        Block(
            kind="table",
            rows=((plain("metric"), plain("value")), (plain("accuracy"), plain("0.8"))),
        ),
        Block(kind="code", lines=(((True, "threatclip evaluate RUN | cat"),),)),
    ]


def test_front_matter_without_an_end_is_shown() -> None:
    assert blocks_of("---\na: b\n") == [Block(kind="words", lines=(plain("a: b"),))]


def test_links_and_pictures_are_text() -> None:
    words = "[here](javascript:alert(1)) ![x](http://elsewhere.example/a.png) <https://elsewhere.example>"
    assert blocks_of(words) == [Block(kind="words", lines=(plain(words),))]


def test_lists_within_lists_are_one_list() -> None:
    assert blocks_of("1. a\n   - b\n2. c\n\nd") == [
        Block(kind="items", lines=(plain("a"), plain("b"), plain("c"))),
        Block(kind="words", lines=(plain("d"),)),
    ]


def test_nothing_of_a_card_is_markup() -> None:
    template = environment().from_string(
        '{% import "macros.html" as show %}{% for block in blocks %}{% for line in block.lines %}{{ show.text(line) }}'
        "{% endfor %}{% endfor %}"
    )
    shown = template.render(blocks=blocks_of("# <script>alert(1)</script>\n`<b>` \u202e\n```\n<img>\n```\n"))
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "<img>" not in shown
    assert "U+202E" in shown


@given(st.text(alphabet="#|-`* \n\rab<:", max_size=200))
def test_every_card_can_be_shown(card: str) -> None:
    for block in blocks_of(card):
        assert block.lines or block.rows
        assert all(isinstance(text, str) for line in block.lines for _, text in line)
