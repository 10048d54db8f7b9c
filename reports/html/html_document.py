"""Any document as one self-contained page, in the look of report.html and without a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby

from markupsafe import Markup

from reports.catalogue import Words
from reports.document import Document, Grid, Paragraph, Part
from reports.html import allowed, environment, language_tag, raw


@dataclass(frozen=True)
class PageBlock:
    """A part of the page; with a heading if `id`, to which the contents point, is not empty."""

    part: Part | tuple[Paragraph, ...]
    """Points of one list, or anything else as the document has it."""
    kind: str
    id: str = ""
    heading: str = ""


def document_html(document: Document, words: Words) -> bytes:
    """The page: paragraphs, tables and figures in their order, notes at the end.

    It loads nothing, so that it may be sent about as it is; warnings stand on every printed page.
    """
    style = Markup(raw("page.css") + "\n" + raw("document.css"))
    texts = [part for part in document.parts if isinstance(part, Paragraph) and part.text]
    numbers = count(1)
    blocks = list(_blocks(document.parts, numbers))
    notes = list(_blocks(document.notes, numbers))
    page = environment().get_template("document.html.j2")
    return page.render(
        words=words,
        lang=language_tag(words.lang),
        title=document.title or (texts[0].text if texts else ""),
        named=bool(document.title),
        about=document.about,
        alarms=[one.text for one in texts if one.role == "alarm"],
        contents=[block for block in (*blocks, *notes) if block.id],
        blocks=blocks,
        notes=notes,
        style=style,
        allowed=allowed(style),
    ).encode()


def parts_html(document: Document) -> Markup:
    """What a document says, title and notes left out, to stand within another page: elements that
    the report's style sheet draws."""
    module = environment().get_template("parts.html.j2").module
    drawn: Markup = module.drawn(list(_blocks(document.parts, count(1))))  # type: ignore[attr-defined]
    return drawn


def _blocks(parts: Sequence[Part], numbers: Iterator[int]) -> Iterator[PageBlock]:
    """The parts without those that only set apart; points that follow each other as one list."""
    shown = (part for part in parts if not isinstance(part, Paragraph) or part.text)
    for start, run in groupby(shown, key=_point):
        if start is not None:
            points = tuple(one for one in run if isinstance(one, Paragraph))
            yield PageBlock(points, "points")
            continue
        for part in run:
            if not isinstance(part, Paragraph):
                kind = "grid" if isinstance(part, Grid) else "figure"
                yield PageBlock(part, kind, f"h{next(numbers)}", part.title)
            elif part.role == "heading":
                yield PageBlock(part, "heading", f"h{next(numbers)}", part.text)
            else:
                yield PageBlock(part, "text")


def _point(part: Part) -> int | None:
    """Where a point of a list begins; None for everything else."""
    return part.start if isinstance(part, Paragraph) and part.role == "item" else None
