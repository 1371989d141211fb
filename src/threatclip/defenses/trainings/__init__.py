"""Trainings: learn from suspect pairs all the same. New training = one file + one `|` in `Training` below."""
