"""Typed objects for the collections of a store: lists, hashes, sets, sorted sets, streams, bitmaps, and so on.

Read `handle.py` first (what all of them are), then one type (`lists.py`), then `families.py` (how a key becomes one).

Invariant: a method is one word of the server's commands, or says in its text that it is several; nothing of what a
word means is written again here.
"""
