"""Detecting triggers in views, and scanning models for them: what `threatclip detect` and `threatclip scan` run."""
