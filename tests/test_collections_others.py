"""Streams with their groups, bitmaps, HyperLogLogs, places; and the codecs."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, MutableMapping

import kvark
import pytest


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


def test_streams(db: kvark.Store) -> None:
    events = db.streams["events"]
    assert (list(events), len(events), events.read(), "1-1" in events) == ([], 0, [], False)
    assert events.append_existing({"a": "1"}) is None
    ids = [events.append({"n": str(number)}, id=f"{number}-1") for number in range(1, 1300)]
    assert [entry.id for entry in events] == ids
    assert [entry.id for entry in reversed(events)] == ids[::-1]
    assert events["7-1"] == {b"n": b"7"}
    entry, *_ = events
    assert entry == ("1-1", {b"n": b"1"})
    assert (entry.id, entry.fields) == entry
    assert [each.id for each in events.range("3", "5")] == ids[2:5]
    assert [each.id for each in events.range("3-1", "5", after=True, limit=1)] == ["4-1"]
    assert [each.id for each in events.range(reverse=True, limit=2)] == [ids[-1], ids[-2]]
    assert [each.id for each in events.read("1298-1", count=5)] == ["1299-1"]
    with pytest.raises(KeyError):
        events["9999-1"]
    del events["7-1"]
    with pytest.raises(KeyError):
        del events["7-1"]
    assert events.delete("8-1", "7-1") == 1
    assert events.trim(max_len=10) == 1287
    assert events.trim(min_id="1299") == 9
    with pytest.raises(ValueError, match="exclude each other"):
        events.trim(max_len=1, min_id="1")
    with pytest.raises(ValueError, match="at least one field"):
        events.append({})
    with pytest.raises(kvark.InvalidInput):
        events.append({"a": "1"}, id="1-1")
    events.set_last_id("2000-0")
    assert events.last_id == "2000-0"
    assert events.info()["length"] == 1
    events.clear()
    with pytest.raises(kvark.InvalidInput):
        events.info()


def test_groups_of_consumers(db: kvark.Store) -> None:
    jobs = db.streams(codec="json")["jobs"]
    workers = jobs.group("workers").create("0", make_stream=True)
    with pytest.raises(kvark.InvalidInput, match="already exists"):
        workers.create()
    ids = [jobs.append({"task": number}, id=f"1-{number}") for number in range(1, 7)]
    assert [entry.fields for entry in workers.read("ada", count=2)] == [{b"task": 1}, {b"task": 2}]
    assert [entry.id for entry in workers.read("grace", count=1)] == ids[2:3]
    assert workers.pending_count() == 3
    assert [each.id for each in workers.pending(consumer="ada")] == ids[:2]
    assert workers.pending(idle=60) == []
    assert [entry.id for entry in workers.read("ada", "0")] == ids[:2]
    assert [entry.id for entry in workers.claim("grace", ids[0])] == ids[:1]
    assert workers.claim_idle("grace", idle=0, start=ids[1], count=1)[1][0].id == ids[1]
    assert workers.claim_idle("grace", idle=3600) == ("0-0", [])
    assert workers.ack(*ids[:2]) == 2
    assert workers.ack_and_delete(ids[2]) == 1
    assert ids[2] not in jobs
    assert [entry.id for entry in workers.read("ada", no_ack=True)] == ids[3:]
    assert workers.pending_count() == 0
    assert jobs.delete(ids[3], references="drop") == 1
    assert workers.create_consumer("linus") is True
    assert workers.delete_consumer("linus") == 0
    assert {each["name"] for each in workers.consumers()} == {b"ada", b"grace"}
    assert [each["name"] for each in jobs.groups()] == [b"workers"]
    workers.set_id("0")
    assert workers.read("ada", count=1)[0].id == ids[0]
    assert workers.destroy() is True
    assert workers.destroy() is False
    with pytest.raises(kvark.InvalidInput):
        workers.read("ada")


def test_bitmaps_against_a_list_of_bits(db: kvark.Store) -> None:
    chance, bits = random.Random(3), db.bitmaps["bits"]
    model = [False] * 800
    for _ in range(300):
        place, bit = chance.randrange(800), chance.random() < 0.7
        assert bits.set(place, bit) == model[place]
        model[place] = bit
    bits[799] = model[799] = True
    assert len(bits) == 800
    assert list(bits) == model
    assert list(bits.ones()) == [place for place, bit in enumerate(model) if bit]
    for _ in range(200):
        start, stop = chance.randrange(-900, 900), chance.randrange(-900, 900)
        assert bits.count(start, stop) == sum(model[start:stop]), (start, stop)
        inside = [place for place in range(800)[start:stop] if model[place]]
        assert bits.position(True, start, stop) == (inside[0] if inside else None), (start, stop)
    assert bits.count() == sum(model)
    assert bits[-1] is True
    assert bits.get(5000) is False
    with pytest.raises(IndexError):
        bits[-801]


def test_operations_on_bitmaps(db: kvark.Store) -> None:
    db["a"], db["b"] = b"\x0f", b"\x3c"
    a = db.bitmaps["a"]
    for leave, expected in [
        (a.and_into, b"\x0c"),
        (a.or_into, b"\x3f"),
        (a.xor_into, b"\x33"),
        (a.difference_into, b"\x03"),
        (a.one_into, b"\x33"),
    ]:
        assert leave("c", db.bitmaps["b"]) == 1
        assert db["c"] == db.bitmaps["c"].to_bytes() == expected
    assert a.not_into("c") == 1
    assert db["c"] == b"\xf0"
    assert a == db.bitmaps["a"]
    assert a != db.bitmaps["b"]
    assert a.number("u4", 4) == 15
    assert a.set_number("i8", "#1", -2) == 0
    assert a.number("i8", "#1") == -2
    assert a.increment("u4", 4, 1, overflow="fail") is None
    assert a.increment("u4", 4, 1) == 0


def test_hyperloglogs(db: kvark.Store) -> None:
    a, b = db.hlls["a"], db.hlls["b"]
    assert (len(a), a.count(), a.update([])) == (0, 0, False)
    assert a.update(f"m{number}" for number in range(2000)) is True
    assert b.add("x", "y") is True
    assert abs(len(a) - 2000) < 100
    assert a.count(b) - a.count() in (1, 2, 3)
    db.hlls["c"].merge(a, "b")
    assert db.hlls["c"].count() == a.count(b)


def test_places(db: kvark.Store) -> None:
    sicily = db.geos(codec="str")["sicily"]
    assert isinstance(sicily, MutableMapping)
    sicily.update({"Palermo": (13.361389, 38.115556), "Catania": (15.087269, 37.502669)})
    assert sicily.add("Palermo", 13.361389, 38.115556) is False
    assert sicily.add("Rome", 12.5, 41.9, only="xx") is False
    assert (len(sicily), set(sicily), "Rome" in sicily) == (2, {"Palermo", "Catania"}, False)
    assert sicily["Palermo"] == pytest.approx((13.361389, 38.115556), abs=1e-5)
    assert sicily.get_many(["Rome", "Palermo"])[0] is None
    assert sicily.distance("Palermo", "Catania", unit="km") == pytest.approx(166.2742, abs=1e-3)
    assert sicily.geohash("Palermo") == "sqc8b49rny0"
    near = sicily.search((15, 37), radius=200, unit="km", order="desc", limit=1)
    assert near[0].member == "Palermo"
    assert near[0].distance == pytest.approx(190.4424, abs=1e-3)
    assert near[0].position.latitude == pytest.approx(38.115556, abs=1e-5)
    assert sicily.search_into("near", "Catania", box=(10, 10), unit="km", store_distances=True) == 1
    assert db.zsets["near"] == {b"Catania": 0.0}
    for missing in (lambda: sicily["Rome"], lambda: sicily.geohash("Rome"), lambda: sicily.distance("Rome", "Palermo")):
        with pytest.raises(KeyError, match="Rome"):
            missing()
    with pytest.raises(kvark.InvalidInput):
        sicily["x"] = (0, 90)
    with pytest.raises(kvark.InvalidInput):
        sicily.search("Palermo")
    del sicily["Palermo"]
    assert dict(sicily.items()).keys() == {"Catania"}


def test_codecs(db: kvark.Store) -> None:
    value = {"b": [1, None, True], "a": "é"}
    for name in ("json", "pickle"):
        db.lists(codec=name)[name].append(value)
        assert db.lists(codec=name)[name][0] == value
    assert db.lists["json"][0] == '{"a":"é","b":[1,null,true]}'.encode()
    db.lists(codec="str")["text"].append("é")
    assert db.lists(codec=kvark.codecs.STR)["text"][0] == "é"
    assert db.lists["text"][0] == "é".encode()
    db.lists["text"][0] = bytearray(b"bytes")  # type: ignore[call-overload]
    assert db.lists["text"][0] == b"bytes"
    with pytest.raises(TypeError, match="codec 'str' is str"):
        db.lists(codec="str")["text"].append(b"bytes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no codec is named 'yaml'"):
        db.lists(codec="yaml")  # type: ignore[call-overload]


def test_msgpack_is_wanted_only_when_it_is_used(db: kvark.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(kvark.Unsupported, match="pip install msgpack"):
        db.lists(codec="msgpack")["x"].append(1)
    fake = type(sys)("msgpack")
    fake.packb, fake.unpackb = (lambda value: repr(value).encode()), (lambda held: held.decode())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msgpack", fake)
    db.lists(codec="msgpack")["x"].append(1)
    assert db.lists(codec="msgpack")["x"][0] == "1"


def test_nothing_is_unpickled_unless_it_is_asked_for(db: kvark.Store) -> None:
    db.lists(codec="pickle")["x"].append({"a": 1})
    assert isinstance(db.lists["x"][0], bytes)
    with pytest.raises(ValueError, match=r"Expecting|decode"):
        db.lists(codec="json")["x"][0]


def test_a_polygon_needs_no_center(db: kvark.Store) -> None:
    sicily = db.geos(codec="str")["Sicily"]
    sicily.update({"Palermo": (13.361389, 38.115556), "Catania": (15.087269, 37.502669)})
    triangle = [(13.0, 37.0), (16.0, 37.0), (16.0, 38.0)]
    assert [near.member for near in sicily.search(polygon=triangle)] == ["Catania"]
    assert sicily.search_into("near", polygon=[(0, 0), (30, 0), (15, 60)]) == 2
    with pytest.raises(kvark.InvalidInput, match="3 vertices"):
        sicily.search(polygon=triangle[:2])
    with pytest.raises(kvark.InvalidInput):
        sicily.search("Catania", polygon=triangle)
