"""Fixtures of this room; the towers they make are in tower_cases.py and clip_cases.py, where tests can import them."""

from clip_cases import clip_copy, tiny_clip
from tower_cases import make_tower, tiny_bert, tiny_copy

__all__ = ["clip_copy", "make_tower", "tiny_bert", "tiny_clip", "tiny_copy"]
