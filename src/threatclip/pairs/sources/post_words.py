"""The words of a post and the language they are in, as the sources of posts keep them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from threatclip.pairs.pair import Pair
from threatclip.pairs.posts import Hashtags, language_of, normalize_post
from threatclip.pairs.sources.values import as_text


def post_words(value: Any, *, hashtags: Hashtags, what: str) -> tuple[str | None, dict[str, str]]:
    """Return a post's normalized words, None when none is left, and `{"language": CODE}` where there are words."""
    text = as_text(value, what=what)
    words = normalize_post(text, hashtags=hashtags) if text else ""
    return (words, {"language": language_of(text)}) if text and words else (None, {})


def with_post_words(pair: Pair, hashtags: Hashtags | None) -> Pair:
    """Return `pair` with its caption read as a post's words; as it is when `hashtags` is None."""
    if hashtags is None:
        return pair
    words, language = post_words(pair.caption, hashtags=hashtags, what="the caption")
    return replace(pair, caption=words, meta={**pair.meta, **language})


def known(**values: Any) -> dict[str, str]:
    """Return the meta fields that have a value, as text."""
    return {name: text for name, value in values.items() if (text := as_text(value, what=name)) is not None}
