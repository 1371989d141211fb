"""Fixtures of this room; the towers they make are in tower_cases.py and clip_cases.py, where tests can import them."""

from image_cases import make_image_tower, mobilenet_copy, tiny_mobilenet, tiny_vit
from tower_cases import make_tower, tiny_bert, tiny_copy

from clip_cases import clip_copy, tiny_clip

__all__ = [
    "clip_copy",
    "make_image_tower",
    "make_tower",
    "mobilenet_copy",
    "tiny_bert",
    "tiny_clip",
    "tiny_copy",
    "tiny_mobilenet",
    "tiny_vit",
]
