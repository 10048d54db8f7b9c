"""The papers that an office issues, as .docx: filled from a record into templates edited in Word.

They stand outside the record, whose fingerprint each page carries.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.allocation import write_file
from models.deadline import EVENTS
from models.errors import Problems, did_you_mean, refuse, with_keywords
from models.files import resolved
from optimizer.verify import verify
from reports.word.paper_fields import TEXTS, Given, paper_fields

PAPERS = {
    "plan": "资金分配方案.docx",
    "annex-1": "附件1资金分配表.docx",
    "annex-2": "附件2因素法测算表.docx",
    "annex-3": "附件3区域绩效目标表.docx",
    "annex-4": "附件4政策依据及合规性审核表.docx",
    "publicity": "公示.docx",
    "announcement": "公告.docx",
    "notice": "下达通知.docx",
}
"""Name of a template → the file that comes of it."""
TEMPLATES = Path(__file__).with_name("templates")
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@with_keywords()
def papers(
    record: Path | str,
    folder: Path | str,
    *,
    dates: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    templates: Path | str | None = None,
    each_county: bool = False,
) -> list[Path]:
    """Write the papers of the record in the folder `record` to `folder`; their paths.

    Nothing is solved; the record is verified first. `dates`: event (`issued`) → 2020-03-01;
    `texts`: 文号 and the like; what is left out stays blank. `templates`: a folder whose
    `plan.docx` and so on stand in for those of the program. `each_county`: targets by county.
    Money is in whole units of the programme.

    Raises `InputError` for a folder that is no record, a record that does not replay or holds parts
    of a money unit, a folder that holds anything else, dates, texts and templates that cannot be
    used, and where the extra `papers` is not installed.
    """
    _refuse_without_library()
    given = Given(_dates(dates or {}), _texts(texts or {}), each_county)
    target = Path(folder)
    refuse_folder(Path(record), target)
    fields = _fields(Path(record), given)
    own = None if templates is None else _own_templates(Path(templates))
    files = {file: _filled(_template(name, own), fields) for name, file in PAPERS.items()}
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_file(target / name, content)
    return [target / name for name in files]


def refuse_folder(record: Path, folder: Path) -> None:
    """Refuse a folder within the record, and one that holds anything but papers."""
    if resolved(record) in (resolved(folder), *resolved(folder).parents):
        refuse(str(folder), "", "lies in the record, and papers stand outside it")
    if not folder.exists():
        return
    if not folder.is_dir():
        refuse(str(folder), "", "cannot be written: it is no folder that takes files")
    other = sorted({one.name for one in folder.iterdir()} - set(PAPERS.values()))
    if other:
        message = f"holds other files ({', '.join(other[:3])}); name another folder"
        refuse(str(folder), "", message)


def _refuse_without_library() -> None:
    if find_spec("docxtpl") is None:
        refuse(
            "",
            "papers",
            "what makes papers is not installed: python3 tools/install.py extras",
        )


def _dates(given: Mapping[str, str]) -> dict[str, datetime.date]:
    problems = Problems()
    found = {}
    for name, text in given.items():
        if name not in EVENTS:
            problems.add("", "dates", f"unknown date '{name}'{did_you_mean(name, EVENTS)}")
            continue
        try:
            found[name] = datetime.date.fromisoformat(text)
        except ValueError:
            problems.add("", "dates", f"'{text}' is no date; write 2020-03-01")
    problems.raise_if_any()
    return found


def _texts(given: Mapping[str, str]) -> dict[str, str]:
    problems = Problems()
    for name in given:
        if name not in TEXTS:
            problems.add("", "texts", f"unknown text '{name}'{did_you_mean(name, TEXTS)}")
    problems.raise_if_any()
    return dict(given)


def _fields(record: Path, given: Given) -> dict[str, Any]:
    """What the templates are filled with. Raises `InputError` where the record does not replay."""
    verified = verify(record)
    if not verified.replays:
        refuse(str(record), "", "does not replay, so no papers are made of it; see allot verify")
    solution, manifest = verified.solution, verified.manifest
    assert solution is not None and manifest is not None  # Of a record that replays.
    if not manifest.is_whole or any(
        one.denominator != 1 for row in solution.allocation.amounts.tolist() for one in row
    ):
        refuse(str(record), "", "holds parts of a money unit; papers take whole ones")
    return paper_fields(solution, manifest, given)


def _own_templates(folder: Path) -> dict[str, Path]:
    """Those that a folder holds in place of the program's."""
    known = {f"{name}.docx": name for name in PAPERS}
    if not folder.is_dir():
        refuse(str(folder), "", "is no folder of templates")
    names = sorted(one.name for one in folder.glob("*.docx") if not one.name.startswith("~"))
    if not names:
        refuse(str(folder), "", f"holds no template ({', '.join(known)})")
    problems = Problems()
    for name in names:
        if name not in known:
            problems.add(str(folder / name), "", f"is no template{did_you_mean(name, known)}")
    problems.raise_if_any()
    return {known[name]: folder / name for name in names}


def _template(name: str, own: Mapping[str, Path] | None) -> Path:
    return (own or {}).get(name, TEMPLATES / f"{name}.docx")


def _filled(template: Path, fields: Mapping[str, Any]) -> bytes:
    """The template with its fields filled in; the same bytes every time."""
    # An extra that need not be installed.
    from docxtpl import DocxTemplate
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    out = io.BytesIO()
    try:
        document = DocxTemplate(template)
        document.render(dict(fields), environment)
        for table in document.docx.tables:
            _as_wide_as_its_cells(table)
        document.save(out)
    except TemplateError as error:
        refuse(str(template), "", f"cannot be filled in: {error.message}")
    except (zipfile.BadZipFile, KeyError, ValueError):
        refuse(str(template), "", "is no Word document (.docx)")
    return _settled(out.getvalue())


def _as_wide_as_its_cells(table: Any) -> None:
    """The grid of a table whose columns were repeated, by the widths that its cells carry."""
    row = table.rows[0]._tr.tc_lst if table.rows else []
    widths = [cell.width for cell in row]
    grid = table._tbl.tblGrid
    if any(width is None for width in widths) or not widths:
        return
    for column in list(grid.gridCol_lst):
        grid.remove(column)
    for width in widths:
        grid.add_gridCol().w = width


def _settled(content: bytes) -> bytes:
    """The same document without the times of its parts."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as read,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in read.namelist():
            part = zipfile.ZipInfo(name, _NO_TIME)
            part.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(part, read.read(name))
    return out.getvalue()
