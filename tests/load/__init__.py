"""Whole runs against a server that is slow, faulty, hostile or gone: `make test-load`."""
