"""The same random commands for Kvark and for a Redis or Valkey: `python -m tests.compat.differential PEER`."""
