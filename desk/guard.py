"""Who may speak to the desk: a browser of this machine that was given the address once.

The address that is printed holds a token that serves once. It is exchanged for a cookie that no
script and no other site can use, and is gone from the address after that. Every request, and the
start of every WebSocket, must name this host and come from this page; all else is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from reports.catalogue import Words

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 20 * 2**20
"""Of what a browser may send at once: an edited workbook has some hundred kilobytes."""
_NAMES = ("127.0.0.1", "localhost")
_READS = ("GET", "HEAD")
_HEADERS = (
    # Vue makes functions of templates, and styles of elements are inline; nothing else is let in.
    (
        "content-security-policy",
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
        "frame-ancestors 'self'; form-action 'self'; base-uri 'self'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)


class TooLarge(Exception):
    """More was sent than is taken."""


class Guard:
    """An ASGI application that hands on what may pass, and answers everything else with words."""

    def __init__(self, app: App, port: int, words: Words) -> None:
        self._app, self._port, self._words = app, port, words
        self._pass = secrets.token_urlsafe(32)
        self._tokens: set[str] = set()
        # Cookies know no ports: two desks on one machine keep theirs apart by name.
        self._cookie = f"allot-desk-{port}"

    def address(self) -> str:
        """A further address that lets one browser in, once."""
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return f"http://{_NAMES[0]}:{self._port}/?token={token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _read(scope)
        if not self._is_here(scope, headers):
            await self._refuse(scope, send, "desk.refused.host")
        elif self._spend(scope):
            await self._let_in(send)
        elif self._is_known(headers):
            await self._hand_on(scope, receive, send, headers)
        else:
            await self._refuse(scope, send, "desk.refused.token")

    def _is_here(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether host and origin are this page's: a foreign page or name leads nowhere."""
        hosts = {f"{name}:{self._port}" for name in _NAMES}
        if headers.get("host") not in hosts:
            return False
        origin = headers.get("origin")
        if origin is not None:
            return origin == f"http://{headers['host']}"
        return scope["type"] == "http" and scope["method"] in _READS

    def _is_known(self, headers: dict[str, str]) -> bool:
        pairs = (one.strip().partition("=") for one in headers.get("cookie", "").split(";"))
        held = [value for name, _, value in pairs if name == self._cookie]
        return any(secrets.compare_digest(one.encode(), self._pass.encode()) for one in held)

    def _spend(self, scope: Scope) -> bool:
        """Whether the address holds a token that was not used yet; now it is."""
        if scope["type"] != "http":
            return False
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = asked.get("token", [""])[0].encode()
        found = [one for one in self._tokens if secrets.compare_digest(one.encode(), given)]
        self._tokens.difference_update(found)
        return bool(found)

    async def _let_in(self, send: Send) -> None:
        cookie = f"{self._cookie}={self._pass}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 303, "", [("location", "/"), ("set-cookie", cookie)])

    async def _refuse(self, scope: Scope, send: Send, key: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await _answer(send, 403, self._words(key))

    async def _hand_on(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        """Let the request through with its body bounded, and strip a spent token."""
        if scope["type"] == "http" and b"token=" in scope.get("query_string", b""):
            await _answer(send, 303, "", [("location", "/")])
            return
        said = headers.get("content-length", "0")
        begun = False

        async def send_on(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", []), *_encoded(_HEADERS)]
            await send(message)

        try:
            if not said.isdecimal() or int(said) > MOST_BYTES:
                raise TooLarge
            await self._app(scope, _bounded(receive), send_on)
        except TooLarge:
            if not begun:
                most = MOST_BYTES // 2**20
                await _answer(send, 413, self._words("desk.refused.large", most=most))


def _bounded(receive: Receive) -> Receive:
    """What is received, as long as it does not grow beyond what is taken."""
    taken = 0

    async def read() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                raise TooLarge
        return message

    return read


def _read(scope: Scope) -> dict[str, str]:
    """The headers; of one that is given twice nothing can be trusted, and it counts as wrong."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        found[key] = "" if key in found and key != "cookie" else value.decode("latin-1")
    return found


def _encoded(headers: tuple[tuple[str, str], ...]) -> Iterator[tuple[bytes, bytes]]:
    return ((name.encode(), value.encode()) for name, value in headers)


async def _answer(
    send: Send, status: int, text: str, more: list[tuple[str, str]] | None = None
) -> None:
    plain = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))
    headers = list(_encoded((*plain, *_HEADERS, *(more or ()))))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
