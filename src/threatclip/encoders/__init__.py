"""Towers: modules from a batch of views or captions (always bytes) to unit vectors."""
