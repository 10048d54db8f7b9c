"""Chromium for tests: driven through its own driver over HTTP, with an empty profile, offline."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--hide-scrollbars",
)

SHOWN = "return [...document.querySelectorAll(arguments[0])].filter(e => e.offsetParent !== null)"
"""A script's start: the elements that are shown."""
_CLIPPED = """
const over = [];
if (document.documentElement.scrollWidth > innerWidth) over.push('the page');
for (const e of document.querySelectorAll('body *')) {
  if (e.closest('svg') || e.closest('.running') || e.offsetParent === null) continue;
  const box = e.closest('.scroll');
  const style = getComputedStyle(e);
  if (!box) {
    const r = e.getBoundingClientRect();
    if (r.width && (r.right > innerWidth + 1 || r.left < -1)) over.push(e.outerHTML.slice(0, 80));
  } else if (e !== box && style.overflowX !== 'visible') over.push(e.outerHTML.slice(0, 80));
}
return over;
"""
_DRAWN = """
const wrong = [];
for (const svg of document.querySelectorAll('svg')) {
  if (!svg.getClientRects().length || getComputedStyle(svg).display === 'none') continue;
  const frame = svg.getBoundingClientRect();
  const scale = frame.width / svg.viewBox.baseVal.width;
  const said = [...svg.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
  const name = svg.querySelector('title').textContent;
  for (const [t, r] of said) {
    if (parseFloat(getComputedStyle(t).fontSize) * scale < 10.9) wrong.push([name, 'small']);
    if (r.left < frame.left - 2 || r.right > frame.right + 2 || r.top < frame.top - 2 ||
        r.bottom > frame.bottom + 2) wrong.push([name, 'outside', t.textContent]);
  }
  said.forEach(([a, p], i) => said.slice(i + 1).forEach(([b, q]) => {
    const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (x > 2 && y > 5) wrong.push([name, a.textContent, b.textContent]);
  }));
}
return wrong;
"""


def need_programs(*names: str) -> None:
    """Skip with a reason where a program is absent; fail in CI, which installs them."""
    absent = [name for name in names if shutil.which(name) is None]
    if absent and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(absent)}")
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")


class Browser:
    """One session of a running driver."""

    def __init__(self, port: int, profile: Path) -> None:
        self._address = f"http://127.0.0.1:{port}"
        options = {"args": [*SWITCHES, f"--user-data-dir={profile}"], "binary": _chromium()}
        asked = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": asked}})
        self._session = f"/session/{made['sessionId']}"
        self._call("POST", f"{self._session}/url", {"url": "about:blank"})
        self.requests()

    def open(self, path: Path, width: int = 1280, height: int = 900) -> None:
        """Open a file from the disk in a window of so many CSS pixels."""
        self.size(width, height)
        self._call("POST", f"{self._session}/url", {"url": path.as_uri()})

    def opened(self, path: Path) -> tuple[list[str], list[str]]:
        """Open a file: the addresses that it asked for, and what the browser complained of."""
        self.log("browser")
        self.requests()
        self.open(path)
        return self.requests(), self.complaints()

    def complaints(self) -> list[str]:
        """What the browser complained of since last asked, but for a slow machine."""
        said = [entry["message"] for entry in self.log("browser")]
        return [text for text in said if "Slow network is detected" not in text]

    def size(self, width: int, height: int = 900) -> None:
        """Make the window so wide, also narrower than a desktop window may be."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.protocol("Emulation.setDeviceMetricsOverride", metrics)

    def visit(self, address: str, width: int = 1280, height: int = 900) -> None:
        """Open an address in a window of so many CSS pixels."""
        self.size(width, height)
        self._call("POST", f"{self._session}/url", {"url": address})

    def until(self, condition: str, *arguments: object) -> Any:
        """What a condition comes to once it is true, whatever pages are opened meanwhile."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            with suppress(AssertionError):  # Between two pages there is none to ask.
                if found := self.run(f"return {condition}", *arguments):
                    return found
            time.sleep(0.02)
        shown = self.run("return document.body.innerText")
        pytest.fail(f"never came: {condition} {arguments} on\n{shown}")

    def run(self, script: str, *arguments: object) -> Any:
        """What a script returns; it sees its arguments as `arguments`."""
        body = {"script": script, "args": list(arguments)}
        return self._call("POST", f"{self._session}/execute/sync", body)

    def protocol(self, command: str, parameters: dict[str, Any]) -> Any:
        """A command of the DevTools protocol."""
        body = {"cmd": command, "params": parameters}
        return self._call("POST", f"{self._session}/goog/cdp/execute", body)

    @contextmanager
    def scripts(self, run: bool) -> Iterator[None]:
        """Pages that are opened within run their scripts, or do not."""
        self.protocol("Emulation.setScriptExecutionDisabled", {"value": not run})
        try:
            yield
        finally:
            self.protocol("Emulation.setScriptExecutionDisabled", {"value": False})

    def texts(self, selector: str) -> list[str]:
        """The text of the elements that are shown."""
        found = self.run(SHOWN + ".map(e => e.innerText.trim())", selector)
        assert isinstance(found, list)
        return found

    def clipped(self) -> Any:
        """What stands out of the window or is cut off."""
        return self.run(_CLIPPED)

    def illegible(self) -> Any:
        """Drawings with words that are too small, outside, or on top of one another."""
        return self.run(_DRAWN)

    def click(self, selector: str) -> None:
        """Click the first element that a selector finds."""
        self._call("POST", f"{self._element(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Empty a field and type into it."""
        element = self._element(selector)
        self._call("POST", f"{element}/clear", {})
        self._call("POST", f"{element}/value", {"text": text})

    def press(self, selector: str, keys: str) -> None:
        """Send keys to an element; those without a letter have one in WebDriver's private range."""
        for _ in range(9):
            try:
                self._call("POST", f"{self._element(selector)}/value", {"text": keys})
                return
            except AssertionError as error:  # Drawn anew between the finding and the pressing.
                if "stale element" not in str(error):
                    raise
        raise AssertionError(f"{selector} does not stay")

    def window(self) -> str:
        """A further window of the same browser, which is looked at from now on; its handle."""
        body = {"type": "window"}
        handle: str = self._call("POST", f"{self._session}/window/new", body)["handle"]
        self.look_at(handle)
        return handle

    def windows(self) -> list[str]:
        """Handles of all windows."""
        found: list[str] = self._call("GET", f"{self._session}/window/handles", None)
        return found

    @contextmanager
    def page(self) -> Iterator[Browser]:
        """A window of its own; it and those that are opened from it are closed afterwards.

        A page that stayed open would go on asking its server, among the requests of the next.
        """
        before = self.windows()
        self.window()
        self.protocol("Emulation.setFocusEmulationEnabled", {"enabled": True})
        self.log("browser")
        self.requests()
        try:
            yield self
        finally:
            for handle in self.windows():
                if handle not in before:
                    self.look_at(handle)
                    self._call("DELETE", f"{self._session}/window", None)
            self.look_at(before[0])

    def look_at(self, handle: str) -> None:
        """Look at another window."""
        self._call("POST", f"{self._session}/window", {"handle": handle})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since this was last asked: `browser` or `performance`."""
        found = self._call("POST", f"{self._session}/se/log", {"type": kind})
        assert isinstance(found, list)
        return found

    def requests(self) -> list[str]:
        """Addresses that were asked for since this was last asked."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [event for event in events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def picture(self, path: Path) -> None:
        """The whole page as a PNG file."""
        taken = self.protocol("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(taken["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it prints, as a PDF file."""
        asked = {"preferCSSPageSize": True, "printBackground": True}
        path.write_bytes(base64.b64decode(self.protocol("Page.printToPDF", asked)["data"]))

    def printed(self, path: Path, folder: Path) -> list[str]:
        """The text of each page of paper on which a file prints; the PDF is left in `folder`."""
        need_programs("pdftotext")
        self.open(path)
        self.pdf(folder / "page.pdf")
        command = ["pdftotext", "-layout", str(folder / "page.pdf"), "-"]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode().split("\f")[:-1]

    def close(self) -> None:
        """End the session and its browser."""
        self._call("DELETE", self._session, None)

    def _element(self, selector: str) -> str:
        body = {"using": "css selector", "value": selector}
        found = self._call("POST", f"{self._session}/element", body)
        return f"{self._session}/element/{next(iter(found.values()))}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with its driver's log in `folder`; it, its driver and its files end with it."""
    names = ("TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    with _short_folder() as short, (folder / "driver.log").open("wb") as log:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            env={**os.environ, **dict.fromkeys(names, short)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            port = _port_of(driver, folder / "driver.log")
            session = Browser(port, Path(short) / "profile")
            try:
                yield session
            finally:
                with suppress(AssertionError, OSError):
                    session.close()
        finally:
            driver.terminate()
            driver.wait()


def _short_folder() -> tempfile.TemporaryDirectory[str]:
    """Where the browser makes its sockets, whose paths may have 107 characters on Linux."""
    root = "/tmp" if Path("/tmp").is_dir() else None
    return tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True)


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found is not None
    return found


def _port_of(driver: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the driver chose and tells once it is ready."""
    end = time.monotonic() + 30
    while time.monotonic() < end and driver.poll() is None:
        if found := re.search(r"started successfully on port (\d+)", log.read_text("utf-8")):
            return int(found[1])
        time.sleep(0.05)
    pytest.fail("chromedriver did not start")
