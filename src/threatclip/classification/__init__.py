"""From embeddings or bytes to ranked, calibrated answers: heads, n-gram models, calibration, abstention, baselines."""
