"""The examples in the docstrings of the collections run, each on a store of its own, and every call has its text."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import kvark
import pytest
from kvark import _async_collections, _codecs, _collections

MODULES = [
    _codecs,
    *(
        importlib.import_module(each.name)
        for each in pkgutil.iter_modules(_collections.__path__, "kvark._collections.")
    ),
]
OBJECTS = [kvark.List, kvark.Hash, kvark.Set, kvark.Zset, kvark.Stream, kvark.Group, kvark.Bitmap, kvark.HyperLogLog]
OBJECTS += [kvark.Geo, kvark.Codec]


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in MODULES:
        yield from (found for found in finder.find(module, globs={"kvark": kvark}) if found.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_an_example_answers_as_it_says(example: doctest.DocTest) -> None:
    with kvark.open(":memory:") as store:
        example.globs["store"] = store
        said: list[str] = []
        doctest.DocTestRunner(verbose=False).run(example, out=said.append)
        assert not said, "".join(said)


@pytest.mark.parametrize("cls", OBJECTS, ids=lambda cls: cls.__name__)
def test_each_type_has_an_example(cls: type) -> None:
    assert ">>>" in (cls.__doc__ or "")


def test_every_call_is_documented() -> None:
    names = [name for name in kvark.__all__ if inspect.isclass(getattr(kvark, name))]
    collections = [getattr(kvark, name) for name in names if "_collections" in getattr(kvark, name).__module__]
    assert len(collections) > 15
    for cls in collections:
        for name in dir(cls):
            if not name.startswith("_"):
                assert inspect.getdoc(getattr(cls, name)), f"{cls.__name__}.{name}"
    assert _async_collections.__doc__
