"""Page and workbook of a record drawn again from its values, and compared with those it holds.

By the same libraries the page has the same bytes, and the workbook the same unpacked members. By
others the text that people see, the values and the formulas are the same, and the layout is not
compared. Another release of this program words and draws otherwise: of what that one drew, only
the hashes and the fingerprint are looked at.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from models.errors import InputError, with_keywords
from models.record import PAGE, WORKBOOK
from models.record.manifest import DRAWING, NAME, Manifest, in_fours, made_with
from models.scenario import Scenario
from optimizer.verify import Verified
from optimizer.verify import verify as replay
from optimizer.verify.replayed_tables import Difference, Replayed, compared_files, content_of
from reports.record_writer import reports_of

Alike = Literal["bytes", "layout", "release"]
"""How much of what was drawn is compared: all, all but the layout, the fingerprint alone."""


@with_keywords()
def verify(
    path: Path | str,
    *,
    fingerprint: str | None = None,
    against: Scenario | Path | str | None = None,
) -> Verified:
    """Replay the record in the folder `path`, its page and workbook drawn again too.

    Nothing is solved. `fingerprint`: what a paper says of the record, to be that of the record.
    `against`: a scenario that is trusted, or its file; every rule, number and word in which the
    record's differs from it is named.

    Raises `InputError` where the folder is no record, or one of a version that is not known.
    """
    return replay(path, drawn_again, fingerprint=fingerprint, against=against)


def drawn_again(verified: Verified, folder: Path) -> list[Replayed]:
    """The check of page and workbook; none for a record that holds none.

    One of an earlier version does not say in which language they were drawn.
    """
    manifest = verified.manifest
    if manifest is None or manifest.drawn is None or verified.solution is None:
        return []
    how = _alike(manifest)
    found = {name: content_of(folder, name) for name in (PAGE, WORKBOOK)}
    if how == "release":
        wrong = tuple(_without_fingerprint(found, manifest))
        return [Replayed("drawn", len(found), wrong, how)]
    try:
        reports = reports_of(verified.solution, manifest.drawn.lang)
        due = reports.draw(manifest.model_copy(update={"reports": {}}))
    except InputError as error:
        told = (Difference(NAME, place="drawn", message=str(one)) for one in error.problems)
        return [Replayed("drawn", 0, tuple(told))]
    if how == "layout":
        wrong = (*_texts_apart(found[PAGE], due[PAGE]), *_cells_apart(found, due))
        return [Replayed("drawn", len(found), wrong, how)]
    page = compared_files("drawn", folder, {PAGE: due[PAGE]}).differences
    return [Replayed("drawn", len(found), (*page, *_members_apart(found, due)))]


def _alike(manifest: Manifest) -> Alike:
    then, now = manifest.made_with.packages, made_with().packages
    if then.get("allot") != now.get("allot"):
        return "release"
    same = all(then.get(name) == now.get(name) for name in DRAWING)
    return "bytes" if same else "layout"


def _without_fingerprint(found: Mapping[str, bytes], manifest: Manifest) -> Iterator[Difference]:
    """Page and workbook that do not carry the record's fingerprint."""
    groups = in_fours(manifest.fingerprint)
    cells = _cells(found[WORKBOOK])
    for name, texts in ((PAGE, _texts(found[PAGE])), (WORKBOOK, _shown(cells))):
        if not any(groups in text for text in texts):
            yield Difference(name, message="does not carry the fingerprint of the record")


def _shown(cells: Mapping[str, str] | None) -> list[str]:
    return [] if cells is None else list(cells.values())


# The text of a page that people see.


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._unseen = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("style", "script"):
            self._unseen = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = ""

    def handle_data(self, data: str) -> None:
        if not self._unseen and (said := " ".join(data.split())):
            self.found.append(said)


def _texts(page: bytes) -> list[str]:
    """The texts of a page, one after the other."""
    reader = _Texts()
    reader.feed(page.decode("utf-8", errors="replace"))
    reader.close()
    return reader.found


def _texts_apart(found: bytes, due: bytes) -> Iterator[Difference]:
    """The first text that differs."""
    theirs, ours = _texts(found), _texts(due)
    for at in range(max(len(theirs), len(ours))):
        has, wants = (texts[at] if at < len(texts) else "" for texts in (theirs, ours))
        if has != wants:
            yield Difference(PAGE, place=f"text {at + 1}", column="text", found=has, due=wants)
            return


# The cells of a workbook: values and formulas.


_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml")
_MOST = 20
"""So many times as large as the one that is due may a workbook be to be read."""


def _members(workbook: bytes, most: int) -> dict[str, bytes] | None:
    """Name → content of the unpacked members; None for what is no workbook to be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(workbook)) as packed:
            infos = packed.infolist()
            names = {one.filename for one in infos}
            if len(names) != len(infos) or sum(one.file_size for one in infos) > most:
                return None
            return {one.filename: packed.read(one) for one in infos}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return None


def _members_apart(found: Mapping[str, bytes], due: Mapping[str, bytes]) -> Iterator[Difference]:
    """Members that differ; of sheets the cells, where those differ."""
    ours = _members(due[WORKBOOK], 10**12)
    assert ours is not None
    theirs = _members(found[WORKBOOK], _MOST * sum(map(len, ours.values())))
    if theirs is None:
        yield Difference(WORKBOOK, message="is not readable as a workbook")
        return
    if theirs == ours:
        return
    cells = list(_cells_apart(found, due))
    yield from cells
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name) and not cells:
            yield Difference(WORKBOOK, place=name, message="is not what is drawn from the values")


def _cells_apart(found: Mapping[str, bytes], due: Mapping[str, bytes]) -> Iterator[Difference]:
    theirs, ours = _cells(found[WORKBOOK]), _cells(due[WORKBOOK])
    if theirs is None or ours is None:
        yield Difference(WORKBOOK, message="is not readable as a workbook")
        return
    for place in dict.fromkeys((*ours, *theirs)):
        has, wants = theirs.get(place, ""), ours.get(place, "")
        if not _same(has, wants):
            yield Difference(WORKBOOK, place=place, column="cell", found=has, due=wants or "-")


def _same(one: str, other: str) -> bool:
    """Whether two cells say the same: a number may be written with more digits or fewer."""
    if one == other:
        return True
    try:
        first, second = float(one), float(other)
    except ValueError:
        return False
    return abs(first - second) <= 1e-15 * max(abs(first), abs(second))


def _cells(workbook: bytes) -> dict[str, str] | None:
    """`sheet 3 B7` → its formula with `=`, `sheet 3 B7 value` → its value; None for no workbook."""
    members = _members(workbook, 10**9)
    if members is None:
        return None
    try:
        shared = _shared(members.get("xl/sharedStrings.xml", b"<sst/>"))
        found = {"sheets": members["xl/workbook.xml"].decode("utf-8", errors="replace")}
        for name in filter(_SHEET.fullmatch, members):
            sheet = Path(name).stem
            for cell in ElementTree.fromstring(members[name]).iter(f"{_MAIN}c"):
                place = f"{sheet} {cell.get('r')}"
                formula, value = cell.findtext(f"{_MAIN}f"), cell.findtext(f"{_MAIN}v") or ""
                if formula is not None:
                    found[f"{place} formula"] = f"={formula}"
                found[place] = shared[int(value)] if cell.get("t") == "s" else value
    except (ElementTree.ParseError, KeyError, ValueError, IndexError):
        return None
    return found


def _shared(content: bytes) -> list[str]:
    root = ElementTree.fromstring(content)
    return ["".join(text.text or "" for text in one.iter(f"{_MAIN}t")) for one in root]
