"""`python -m tests.compat.differential PEER [--seed N] [--steps N]`: random commands for Kvark and a peer.

PEER is the program of a Redis or Valkey server, which is started over an empty folder, or `host:port` of one that may
be emptied. Words that only one of the two has are left out. What they answer differently is printed, some of each word;
the exit code tells whether there was any. For Valkey: `--any-error --no-exchange`, because it refuses in words of its
own and reads no payloads of hashes whose fields expire.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kvark import Server

from tests.compat.differential.events import Listener
from tests.compat.differential.phrase import GROUPS
from tests.compat.differential.run import Difference, Run
from tests.compat.differential.wire import Client, Reply


@contextmanager
def peer_at(peer: str) -> Iterator[tuple[str, int]]:
    host, colon, port = peer.rpartition(":")
    if colon and port.isdigit():
        yield host, int(port)
    else:
        with tempfile.TemporaryDirectory() as folder:
            process, port_of_peer = start(peer, folder)
            try:
                patient_client(port_of_peer)
                yield "127.0.0.1", port_of_peer
            finally:
                process.kill()
                process.wait()


def start(program: str, folder: str) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    command = [program, "--port", str(free), "--save", "", "--appendonly", "no", "--dir", folder]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL), free


def patient_client(port: int) -> Client:
    deadline = time.monotonic() + 20
    while True:
        try:
            return Client("127.0.0.1", port)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def show(differences: Sequence[Difference], most: int) -> None:
    shown: dict[str, int] = {}
    for difference in differences:
        name = difference.args[0].decode(errors="replace").upper()
        shown[name] = shown.get(name, 0) + 1
        if shown[name] <= most:
            where, peer, ours = first_apart(difference.peer, difference.ours)
            print(f"* {words(difference.args)}\n    peer{where}: {str(peer)[:600]}\n    ours{where}: {str(ours)[:600]}")
            for args in difference.history[-8:]:
                print(f"        after {words(args)}")
    print("; ".join(f"{name} {times}" for name, times in sorted(shown.items())) or "no difference")


def first_apart(peer: Reply, ours: Reply) -> tuple[str, Reply, Reply]:
    """The first place where two replies of one shape differ, as indices, and what stands there."""
    if isinstance(peer[1], list) and isinstance(ours[1], list) and len(peer[1]) == len(ours[1]):
        for place, both in enumerate(zip(peer[1], ours[1], strict=True)):
            if both[0] != both[1] and isinstance(both[0], tuple):
                where, *apart = first_apart(*both)
                return f"[{place}]{where}", apart[0], apart[1]
    return "", peer, ours


def words(args: Sequence[bytes]) -> str:
    return " ".join(
        repr(arg.decode(errors="backslashreplace"))
        if arg == b"" or b" " in arg
        else arg.decode(errors="backslashreplace")
        for arg in args
    )[:300]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.differential", description=__doc__.splitlines()[0])
    parser.add_argument("peer", help="a server's program, or host:port")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--only", default=",".join(GROUPS), help=f"some of {','.join(GROUPS)}")
    parser.add_argument("--most", type=int, default=3, help="how many differences of a word are shown")
    parser.add_argument("--no-exchange", action="store_true", help="do not move dumped values between the two")
    parser.add_argument("--any-error", action="store_true", help="whatever a refusal says: it need only be one")
    parser.add_argument("--events", action="store_true", help="compare what is told of keys, too (Redis)")
    options = parser.parse_args(argv)
    with peer_at(options.peer) as place, tempfile.TemporaryDirectory() as folder, Server(folder, port=0) as server:
        places = (place, ("127.0.0.1", server.port))
        peer, ours = (Client(*place) for place in places)
        run = Run(
            peer,
            ours,
            options.seed,
            options.only.split(","),
            not options.no_exchange,
            options.any_error,
            [Listener(asker, Client(*place)) for asker, place in zip((peer, ours), places, strict=True)]
            if options.events
            else [],
        )
        run.steps(options.steps)
    show(run.differences, options.most)
    asked = f"{sum(run.asked.values())} commands, {len(run.asked)} words"
    print(f"seed {options.seed}: {asked}, {len(run.differences)} differences")
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
