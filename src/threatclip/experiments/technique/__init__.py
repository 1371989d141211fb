"""Which technique of ATT&CK does this sentence tell of: rows, the space, members, models, judging, the study."""
