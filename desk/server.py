"""The desk as it runs: one folder, one port of this machine, until it is told to stop."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from desk.guard import Guard
from models.errors import refuse

FIRST_PORT, _TRIED = 8020, 40
"""The port that is taken where none is asked for, and how many after it are tried."""
HOST = "127.0.0.1"
HIDDEN = ".desk"
"""Of the folder: what the desk keeps there beside the records that it saves."""


def bind(port: int | None) -> socket.socket:
    """A socket of this machine's own address that nobody else has: at `port`, else the next free.

    Raises `InputError` where `port` is asked for and taken.
    """
    ports = range(FIRST_PORT, FIRST_PORT + _TRIED) if port is None else (port,)
    for one in ports:
        made = socket.socket()
        # A port that was just left may be had again; on Windows the same word would share it.
        alone = "SO_REUSEADDR" if os.name == "posix" else "SO_EXCLUSIVEADDRUSE"
        made.setsockopt(socket.SOL_SOCKET, getattr(socket, alone), 1)
        try:
            made.bind((HOST, one))
            made.listen(64)
        except OSError as error:
            made.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES) and os.name != "nt":
                raise
        else:
            return made
    if port is None:
        refuse("--port", "", f"{_TRIED} ports from {FIRST_PORT} on are taken; name a free one")
    refuse("--port", "", f"{port} is taken by another program; name another, or leave it out")


@contextmanager
def held(folder: Path, port: int) -> Iterator[None]:
    """Hold the folder for this desk. Raises `InputError` where another one has it.

    The file is locked as long as it is open, so that a desk that was killed holds nothing.
    """
    path = folder / HIDDEN / "lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _lock(file):
            file.seek(0)
            with suppress(ValueError):
                told = json.loads(file.read())
                refuse(
                    str(folder),
                    "",
                    f"is open in another desk already: {told['address']} (process {told['pid']})",
                )
            refuse(str(folder), "", "is open in another desk already")
        file.truncate(0)
        json.dump({"pid": os.getpid(), "address": f"http://{HOST}:{port}"}, file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _lock(file: IO[str]) -> bool:
    """Whether the file is now locked by this process; the system lets go of it when that ends."""
    try:
        if sys.platform == "win32":
            # Only there.
            import msvcrt

            # Beyond what is written, so that others can read who has it.
            file.seek(2**20)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            # Not on Windows.
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def serve(guard: Guard, made: socket.socket, ready: Callable[[], None]) -> None:
    """Answer browsers until Ctrl-C; `ready` is called once they are."""
    # Costs half a second, and an extra has it.
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config: dict[str, Any] = {"log_level": "critical", "access_log": False, "server_header": False}
    server = Server(uvicorn.Config(guard, timeout_graceful_shutdown=1, **config))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[made])
