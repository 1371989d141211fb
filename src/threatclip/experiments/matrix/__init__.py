"""Attacks x defenses x learning rates x seeds: what each defense leaves of each attack, and at what price."""
