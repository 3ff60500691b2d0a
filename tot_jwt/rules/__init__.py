"""The rules of API keys as pure functions: they query no database and know no HTTP."""
