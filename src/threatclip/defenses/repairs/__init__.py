"""Repairs: make a better model of a suspect one with trusted pairs. New repair = one file + one `|` in `Repair` below."""
