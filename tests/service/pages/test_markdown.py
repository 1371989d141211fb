"""Model cards as blocks: every form that cards have, and no markup of whoever wrote one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from threatclip.service.pages.markdown import Block, blocks_of, text_of
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


def test_a_card_becomes_its_blocks() -> None:
    assert blocks_of(CARD) == [
        Block(kind="heading", lines=(text_of("Weakness of a payload"),)),
        Block(kind="words", lines=(((False, "Trained by "), (True, "threatclip"), (False, ", seed 0.")),)),
        Block(kind="items", lines=(text_of("one item that goes on"), ((True, "code"), (False, " in another")))),
        Block(
            kind="table",
            rows=((text_of("metric"), text_of("value")), (text_of("accuracy"), text_of("0.8"))),
        ),
        Block(kind="code", lines=(((True, "threatclip evaluate RUN | cat"),),)),
    ]


def test_front_matter_without_an_end_is_text() -> None:
    assert "".join(text for block in blocks_of("---\na: b\n") for line in block.lines for _, text in line) == "--- a: b"


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
