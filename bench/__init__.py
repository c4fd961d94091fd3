"""Benchmarks: `make bench`. Start with `wire.py` (the server against its peers), `embedded.py`
(the library) and `inside.py` (clients inside the process).

Invariant: a figure is only compared with a figure of the same run; rounds are interleaved and medians are reported.
Invariant: nothing here asserts a time, so the small mode can be part of the tests.
"""
