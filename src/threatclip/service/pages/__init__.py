"""The analyst's page: server-rendered, escaped, without a build step."""
