"""Repairs: make a better model of a suspect one by trusted pairs. New repair = one file + one `|` in `Repair` below."""
