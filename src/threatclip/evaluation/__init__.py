"""Figures: one named function per metric, every figure with its n and a bootstrap interval."""
