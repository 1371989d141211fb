"""Pairs: a view with a caption, tables of them, where they come from, how they are split."""
