"""What several outputs of a comparison say: remarks, differences with their marks, inputs."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.compare.inputs import InputRow
from optimizer.compare.rows import OutcomeRow
from optimizer.compare.ties import Mark
from reports.compare.board import Board, signed
from reports.readings import calibration_of, unread_rules

NO_ROOM = ("whole-units", "eligibility", "locks")
"""Reserved findings that never leave room: shown where broken."""


def marks_in_use(board: Board) -> list[Mark]:
    """The marks that some number bears."""
    compared = board.compared
    moved = [row.mark for row in compared.moved_rows]
    return [*(row.mark for row in compared.outcome_rows), *moved]


def remarks(board: Board) -> list[str]:
    """Sentences on what is shared, what is another response, and what is no finding."""
    words, compared = board.words, board.compared
    found = [*_calibrations(board), *_alarms(board)]
    for row in compared.world.apart:
        column = compared.column(row.column)
        found.append(
            words(
                _APART[row.what],
                letter=board.letter(column),
                here=_few(board, row.only_here),
                there=_few(board, row.only_in_reference),
            )
        )
    others = [one for one in compared.others if compared.has_other_response(one)]
    whole = [one for one in others if one.reads is not None and one.reads.under_reference]
    if whole:
        letters = _letters(board, [board.letter(one) for one in whole])
        reference = board.letter(compared.reference)
        found.append(words("compare.other-response", letters=letters, reference=reference))
    for mark, key in (("tie", "compare.note.tie"), ("gap", "compare.note.gap")):
        like = [board.letter(one) for one in compared.others if compared.marks[one.name] == mark]
        if like:
            reference = board.letter(compared.reference)
            found.append(words(key, letters=_letters(board, like), reference=reference))
    if any(one.is_searched for one in compared.columns):
        found.append(words("compare.note.single"))
    return found


def _calibrations(board: Board) -> list[str]:
    """What each calibration in use says of itself, with the columns that use it."""
    columns: dict[str, list[str]] = {}
    for one in board.compared.columns:
        chosen = calibration_of(one.scenario)
        if chosen is not None and chosen.note is not None:
            columns.setdefault(chosen.note.of(board.lang), []).append(board.letter(one))
    if len(columns) == 1 and len(next(iter(columns.values()))) == len(board.compared.columns):
        return list(columns)
    return [
        board.words("compare.of", letters=_letters(board, letters), text=note)
        for note, letters in columns.items()
    ]


def _letters(board: Board, letters: Sequence[str]) -> str:
    return board.words("compare.letters").join(letters)


def _alarms(board: Board) -> list[str]:
    """Columns whose rules are broken, or in use without anybody having read their clause."""
    found = []
    for one in board.compared.columns:
        broken = one.reads.audit.broken_rules if one.reads else ()
        for key, names in (("draft.broken", broken), ("draft.unread", unread_rules(one.scenario))):
            if names:
                titles = _few(board, [board.rule_title(name) for name in names])
                said = board.words(key, count=len(names), titles=titles)
                found.append(board.words("compare.of", letters=board.letter(one), text=said))
    return found


_APART = {
    "counties": "compare.apart.counties",
    "tasks": "compare.apart.tasks",
    "metrics": "compare.apart.metrics",
    "units": "compare.apart.units",
}


def _few(board: Board, names: Sequence[str]) -> str:
    if not names:
        return board.words("none")
    shown = board.words("list").join(names[:_FEW])
    rest = len(names) - _FEW
    return board.words("and-more", titles=shown, count=rest) if rest > 0 else shown


_FEW = 5


def difference_text(board: Board, row: OutcomeRow) -> str:
    """The difference of one metric as it is to be read: by one response, with its mark."""
    counted = row.difference
    if counted is None:
        return "-"
    if row.difference_by_reference is not None:
        counted = row.difference_by_reference
    sign = board.mark(row.mark)
    return f"{signed(counted, 1)}{' ' + sign if sign else ''}"


def input_matrix(board: Board) -> list[tuple[str, list[str]]]:
    """(path, what stands there in each column) of every difference that is no wording."""
    compared = board.compared
    rows: dict[str, dict[str, InputRow]] = {}
    for row in compared.input_rows:
        if row.sort != "wording":
            rows.setdefault(row.path, {})[row.column] = row
    found = []
    for path, by_column in rows.items():
        before = next(iter(by_column.values())).reference
        cells = [
            board.input_value(by_column[one.name].value if one.name in by_column else before)
            for one in compared.columns
        ]
        found.append((path, cells))
    return found
