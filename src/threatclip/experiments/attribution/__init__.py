"""Which threat group does this sentence, or this incident, tell of: rows, splits, models, judging, the study."""
