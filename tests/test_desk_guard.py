"""Who may speak to the desk: every way in that is not the one that was given is refused."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from desk.guard import MOST_BYTES, Guard
from reports.catalogue import Words

HOST = "127.0.0.1:8020"
Message = MutableMapping[str, Any]


async def _application(scope: Message, receive: Any, send: Any) -> None:
    """Reads all that is sent, and says that it was reached."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"reached"})


class Visitor:
    """A browser at the guard: what it holds, and what it is answered."""

    def __init__(self) -> None:
        self.guard = Guard(_application, 8020, Words("zh"))
        self.cookie = ""

    def ask(
        self,
        path: str = "/",
        kind: str = "http",
        body: tuple[bytes, ...] = (b"",),
        again: tuple[tuple[bytes, bytes], ...] = (),
        **headers: str,
    ) -> list[Message]:
        """All that is answered; a header of None is left out; `again`: headers that come after."""
        given = {"host": HOST, "cookie": self.cookie, **headers}
        address, _, query = path.partition("?")
        scope: Message = {
            "type": kind,
            "method": headers.pop("method", "GET"),
            "path": address,
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").encode(), value.encode())
                for name, value in given.items()
                if value and name != "method"
            ]
            + list(again),
        }
        parts = [
            {"type": "http.request", "body": part, "more_body": at < len(body) - 1}
            for at, part in enumerate(body)
        ]
        answered: list[Message] = []

        async def receive() -> Message:
            return parts.pop(0)

        async def send(message: Message) -> None:
            answered.append(message)

        asyncio.run(self.guard(scope, receive, send))
        return answered

    def status(self, path: str = "/", **headers: Any) -> int:
        status: int = self.ask(path, **headers)[0]["status"]
        return status

    def enter(self) -> dict[bytes, bytes]:
        """Go in by the address that was given; the headers of the answer."""
        answer = self.ask(self.guard.address().partition(HOST)[2])[0]
        assert answer["status"] == 303
        headers = dict(answer["headers"])
        self.cookie = headers[b"set-cookie"].decode().partition(";")[0]
        return headers


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def test_the_address_serves_once_and_leaves_a_cookie_that_nothing_else_can_use(
    visitor: Visitor,
) -> None:
    address = visitor.guard.address().partition(HOST)[2]
    headers = dict(visitor.ask(address)[0]["headers"])
    assert headers[b"location"] == b"/"
    assert b"HttpOnly" in headers[b"set-cookie"]
    assert b"SameSite=Strict" in headers[b"set-cookie"]
    assert visitor.status(address) == 403
    visitor.cookie = headers[b"set-cookie"].decode().partition(";")[0]
    assert visitor.status() == 200
    assert dict(visitor.ask(address)[0]["headers"])[b"location"] == b"/"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"cookie": ""}),
        ("/", {"cookie": "allot-desk-8020=guessed"}),
        ("/?token=guessed", {"cookie": ""}),
        ("/?token=", {"cookie": ""}),
        ("/", {"host": "evil.example:8020"}),
        ("/", {"host": "127.0.0.1:8021"}),
        ("/", {"host": "127.0.0.1.evil.example:8020"}),
        ("/", {"host": ""}),
        ("/", {"origin": "http://evil.example"}),
        ("/", {"origin": "null"}),
        ("/", {"origin": "https://127.0.0.1:8020"}),
        ("/", {"method": "POST"}),
    ],
)
def test_a_stranger_is_refused_in_words(
    visitor: Visitor, path: str, headers: dict[str, str]
) -> None:
    visitor.enter()
    start, body = visitor.ask(path, **headers)
    assert start["status"] == 403
    assert body["body"].decode().startswith("拒绝访问")


@pytest.mark.parametrize("name", ["127.0.0.1:8020", "localhost:8020"])
def test_who_holds_the_cookie_reads_and_writes_from_the_page_itself(
    visitor: Visitor, name: str
) -> None:
    visitor.enter()
    assert visitor.status(host=name) == 200
    assert visitor.status(host=name, origin=f"http://{name}", method="POST") == 200
    answer = visitor.ask(cookie=f"other={{}}; {visitor.cookie}; _xsrf=2|a|b")[0]
    assert answer["status"] == 200
    assert b"default-src 'self'" in dict(answer["headers"])[b"content-security-policy"]


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        ({"origin": f"http://{HOST}"}, True),
        ({}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": f"http://{HOST}", "cookie": ""}, False),
        ({"origin": "http://evil.example:8020", "host": "evil.example:8020"}, False),
    ],
)
def test_a_websocket_is_opened_for_the_page_alone(
    visitor: Visitor, headers: dict[str, str], opened: bool
) -> None:
    visitor.enter()
    (answer,) = visitor.ask(kind="websocket", **headers)
    assert answer["type"] == ("websocket.accept" if opened else "websocket.close")


def test_more_than_is_taken_is_refused_before_and_while_it_comes(visitor: Visitor) -> None:
    visitor.enter()
    post = {"method": "POST", "origin": f"http://{HOST}"}
    half = b"x" * (MOST_BYTES // 2)
    assert visitor.status(body=(half, half), **post) == 200
    assert visitor.status(content_length=str(200 * 2**20), **post) == 413
    assert visitor.status(content_length="-1", **post) == 413
    start, said = visitor.ask(body=(half, half, b"x"), **post)
    assert start["status"] == 413
    assert "20 MB" in said["body"].decode()


@pytest.mark.parametrize("first", ["evil.example:8020", HOST])
def test_a_header_that_is_given_twice_lets_nobody_in(visitor: Visitor, first: str) -> None:
    visitor.enter()
    answered = visitor.ask(host=first, again=((b"Host", HOST.encode()),))
    assert answered[0]["status"] == 403
