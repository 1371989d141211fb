"""Training: one loop that yields Step records, on one process or many, and resumes from whole checkpoints."""
