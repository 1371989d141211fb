"""Scanners: judge a whole model. New scanner = one file + one `|` in `Scanner` below."""
