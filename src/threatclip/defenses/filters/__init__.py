"""Filters: score pairs before training. New filter = one file + one `|` in `Filter` below."""
