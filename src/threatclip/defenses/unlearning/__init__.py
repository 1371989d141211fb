"""Triggers inverted from a suspect model: kinds of changes that pull any view toward one class, and where they lie."""
