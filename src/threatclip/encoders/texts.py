"""A hostile view as text that a tokenizer can be given."""

from __future__ import annotations

import re

from threatclip.pairs.pair import view_text

# WordPiece turns a word of more than 100 code points into one [UNK], which hides what it says. Only blanks that every
# tokenizer splits at, and ASCII punctuation, end a run: control and zero-width characters are dropped by normalizers,
# so that the pieces around them join again.
_IN_RUN = r"[^ \t\r\n!-/:-@\[-`{-~]"
_RUN_OF_50 = re.compile(rf"({_IN_RUN}{{50}})(?={_IN_RUN})")
# Normalizers decompose a Hangul syllable into three code points.
_RUN_OF_33 = re.compile(rf"({_IN_RUN}{{33}})(?={_IN_RUN})")


def readable_text(view: bytes, *, max_chars: int, lowercase: bool = False) -> str:
    """Return a view as text: decoded, cut to `max_chars` characters, long runs split by blanks.

    The cut comes before any tokenizer, whose cost grows with the text (4 s for 10 MB) whatever it keeps of it.
    UTF-8 where the view is UTF-8, else Latin-1; the result holds no lone surrogate.
    """
    text = view_text(view)[:max_chars]
    long_run = _RUN_OF_50 if text.isascii() else _RUN_OF_33
    text = long_run.sub(r"\1 ", text)
    return text.lower() if lowercase else text
