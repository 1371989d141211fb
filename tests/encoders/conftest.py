"""Fixtures of this room; the towers they make are in tower_cases.py, where tests can import them too."""

from tower_cases import make_tower, tiny_bert, tiny_copy

__all__ = ["make_tower", "tiny_bert", "tiny_copy"]
