"""The pages of the desk as NiceGUI serves them, and the files that they let one take."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

# Nothing is kept between runs; where it would be is settled when NiceGUI is loaded.
os.environ["NICEGUI_STORAGE_PATH"] = os.devnull

from fastapi import FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from nicegui import app as pages
from nicegui import ui

from desk.pages.answer_tab import AnswerTab
from desk.pages.money_tab import MoneyTab
from desk.pages.paper_tab import PaperTab
from desk.pages.rule_tab import RuleTab
from desk.pages.scenario_tab import ScenarioTab
from desk.pages.study_tabs import CompareTab, UncertaintyTab
from desk.pages.texts import error_lines
from desk.pages.window import Tab, Window
from desk.room import Desk
from models.errors import AllotError
from reports.catalogue import LANGUAGES, Words
from reports.html import raw

ACCENT = "#1f5673"
"""As in the report's style sheet."""
_HERE = Path(__file__).parent


def application(room: Desk, lang: str) -> FastAPI:
    """The desk on one folder; `lang` is that of a window which asks for none."""
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_head()
    for one in LANGUAGES:
        _add_window(room, Words(one))

    pages.get("/")(lambda: RedirectResponse(f"/{lang}"))
    _add_files(room, Words(lang))
    ui.run_with(
        outer,
        title=Words(lang)("desk.title"),
        favicon=_HERE / "desk.svg",
        show_welcome_message=False,
        tailwind=False,
        reconnect_timeout=10,
        # Kept for a window that is cut off for a moment; it would grow with each edit.
        message_history_length=100,
    )
    return outer


def _add_files(room: Desk, words: Words) -> None:
    """What may be taken besides windows: pages of frames, files of the folder, folders as a zip."""

    @pages.get("/made/{key}")
    def made(key: str) -> Response:
        if key not in room.pages:
            return PlainTextResponse(words("desk.no-page"), 404)
        return Response(room.pages[key], media_type="text/html; charset=utf-8")

    @pages.get("/file/{folder:path}/{name}")
    def file(folder: str, name: str) -> Response:
        def take() -> Response | None:
            path = room.folder.inside(f"{folder}/{name}")
            return FileResponse(path) if path in room.folder.files(folder) else None

        return _taken(take, words)

    @pages.get("/zip/{folder:path}")
    def whole(folder: str) -> Response:
        def take() -> Response | None:
            files = room.folder.files(folder)
            packed = _zipped(room.folder.inside(folder), files)
            return Response(packed, media_type="application/zip") if files else None

        return _taken(take, words)


def _taken(take: Callable[[], Response | None], words: Words) -> Response:
    """What is taken, or why it is not: it leads outside the folder, or there is no such thing."""
    try:
        return take() or PlainTextResponse(words("desk.no-page"), 404)
    except AllotError as error:
        return PlainTextResponse("\n".join(error_lines(error, words)), 403)


def _zipped(folder: Path, files: Sequence[Path]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files:
            packed.write(path, path.relative_to(folder.parent))
    return held.getvalue()


def _add_head() -> None:
    """Style and script of every window: the colours of the report, its sheets where it stands."""
    report = raw("page.css")
    colours = next(line for line in report.splitlines() if line.startswith(":root"))
    sheets = f".report{{\n{report}\n{raw('document.css')}\n}}"
    own = (_HERE / "desk.css").read_text("utf-8")
    script = (_HERE / "desk.js").read_text("utf-8")
    style = f"<style>\n{colours}\n{sheets}\n{own}\n</style>"
    ui.add_head_html(f"{style}\n<script>\n{script}\n</script>", shared=True)


def _add_window(room: Desk, words: Words) -> None:
    language: Literal["zh-CN", "en-US"] = "zh-CN" if words.lang == "zh" else "en-US"

    @ui.page(f"/{words.lang}", language=language, title=words("desk.title"))
    def show(s: str = "", tab: str = "") -> None:
        ui.colors(primary=ACCENT, negative="#a4262c", positive="#26633f")
        window = Window(room, words, (s, tab))
        tabs: dict[str, Tab] = {
            "scenarios": ScenarioTab(window),
            "rules": RuleTab(window),
            "answer": AnswerTab(window),
            "table": MoneyTab(window),
            "compare": CompareTab(window),
            "uncertainty": UncertaintyTab(window),
            "papers": PaperTab(window),
        }
        window.draw(tabs)
