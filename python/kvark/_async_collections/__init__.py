"""The collection objects for asyncio: the same calls, awaited. What they mean is said once, in `kvark._collections`.

Read `handle.py` first. A call that has no name in Python's own types gets one here: `len()`, `contains(x)`, `set(...)`,
`delete(...)`.

Invariant: a method here calls its twin, inline where memory answers, in a thread where the disk does or where it may
be long.
"""
