"""`allot desk`: the local page, until Ctrl-C."""

from __future__ import annotations

import gc
from importlib.util import find_spec
from pathlib import Path

import click

from commands.options import PATH, help_text, shared
from commands.session import Session
from models.errors import refuse


@click.command(help=help_text("help.desk"))
@click.argument("folder", type=PATH, default=Path())
@click.option("--port", type=click.IntRange(1, 65535), help=help_text("help.desk-port"))
@click.option("--no-browser", is_flag=True, help=help_text("help.desk-no-browser"))
@shared
def desk(session: Session, folder: Path, port: int | None, no_browser: bool) -> None:
    """`allot desk`: print the address, open it in a browser, and answer that until stopped."""
    if find_spec("nicegui") is None:
        refuse("", "desk", "what the desk needs is not installed: python3 tools/install.py extras")
    from desk.guard import Guard
    from desk.room import Desk
    from desk.server import bind, held, serve

    # Elements of a window are circles: put off as for a short run, they would fill the memory.
    gc.set_threshold(700, 10, 10)
    room = Desk(folder)
    with bind(port) as made, held(folder, made.getsockname()[1]):
        from desk.pages.app import application

        guard = Guard(application(room, session.lang), made.getsockname()[1], session.words)
        room.invite = guard.address

        def ready() -> None:
            address = guard.address()
            session.show_line({"address": address}, "desk.ready", folder=folder, address=address)
            if not no_browser:
                import webbrowser

                webbrowser.open(address)

        try:
            serve(guard, made, ready)
        finally:
            room.close()
    session.tell("desk.closed")
