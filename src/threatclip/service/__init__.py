"""The service: what models answer, over HTTP, to scripts and to the analyst's page."""
