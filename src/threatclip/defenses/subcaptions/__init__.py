"""Sub-captions: a caption cut to less that is still true, and turned into what is false, by words and their roles."""
