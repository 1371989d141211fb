"""Defenses: find planted pairs, train in spite of them, repair a model, catch triggers. None knows an attack."""
