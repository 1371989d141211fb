"""Reports as people publish them: text, Markdown, HTML and PDF to sentences with their places."""
