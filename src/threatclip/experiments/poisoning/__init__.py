"""Attack sweeps: one victim, many poisonings of its data, and the exact damage of each."""
