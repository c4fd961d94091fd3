"""Redis' own test suite against our server."""
