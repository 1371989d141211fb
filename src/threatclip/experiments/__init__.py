"""Recipes, runs and what they compose: the only room that puts the others together."""
