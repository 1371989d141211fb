"""Events in posts of picture and words: the supervised model, zero-shot by prompts, and what each is worth."""
