"""Allocations from files, frames and arrays: every amount in its own cell, or refused."""

from __future__ import annotations

import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.allocation import (
    Allocation,
    allocation_csv,
    allocation_of_rows,
    read_allocation,
    read_noted,
)
from models.errors import InputError
from models.files import MemoryFile, csv_text
from models.frames import amounts_frame
from models.programme import Programme
from models.table import Note
from tests.worlds import world

COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha"},
    "b": {"name_zh": "乙县", "name_en": "Beta"},
    "c": {"name_zh": "丙县", "name_en": "Gamma"},
}


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return world(tmp_path, {"budget": 100}, counties=COUNTIES).programme


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("column", "name", "of"),
    [
        ("county_zh", "乙县", "county a"),
        ("county_en", "Beta", "county a"),
        ("task_zh", "school", "task road"),
    ],
)
def test_a_name_beside_a_code_that_is_anothers_is_refused(
    tmp_path: Path, programme: Programme, column: str, name: str, of: str
) -> None:
    path = table(tmp_path, f"county,task,amount,{column}\na,road,5,{name}\n")
    with pytest.raises(InputError) as caught:
        read_allocation(path, programme)
    assert str(caught.value) == f"table.csv: line 2: {column}: {name} is not the {of}"


def test_own_names_and_remarks_beside_a_code_are_read_over(
    tmp_path: Path, programme: Programme
) -> None:
    text = "county,task,amount,county_zh,county_en\na,road,5,甲县,Alpha\nb,road,5,乙（新）,\n"
    assert read_allocation(table(tmp_path, text), programme).spent == 10


def test_a_county_without_a_row_is_told(tmp_path: Path, programme: Programme) -> None:
    path = table(tmp_path, "county,task,amount\na,road,5\nb,road,0\n")
    _, notes = read_noted(path, programme)
    assert notes == (Note("table.csv", "missing", "c 丙县"),)


def test_separators_of_thousands_are_read_as_in_a_workbook_and_told(
    tmp_path: Path, programme: Programme
) -> None:
    text = 'county,task,amount\na,road,"520,000"\nb,road,1\nc,road,1\n'
    allocation, notes = read_noted(table(tmp_path, text), programme)
    assert allocation.amounts[0, 0] == 520_000
    assert notes == (Note("table.csv: line 2", "text", "520,000", Fraction(520_000)),)


@pytest.mark.parametrize("written", ["52,00", "1２", "-1", "x"])
def test_what_is_no_amount_is_refused_with_its_line(
    tmp_path: Path, programme: Programme, written: str
) -> None:
    path = table(tmp_path, f'county,task,amount\na,road,"{written}"\n')
    with pytest.raises(InputError, match="table.csv: line 2: amount: "):
        read_allocation(path, programme)


def test_allocations_are_equal_where_every_place_has_the_same_money() -> None:
    outside = [("x", "X", Fraction(3)), ("y", "Y", Fraction(2))]
    one = allocation_of_rows([[1, 2], [0, 5]], outside)
    assert (one == allocation_of_rows([[1, 2], [0, 5]], outside[::-1])) is True
    assert (one == allocation_of_rows([[1, 2], [0, 4]], outside)) is False
    assert (one != allocation_of_rows([[1, 2], [0, 5]])) is True
    assert (one == allocation_of_rows([[1, 2]])) is False
    assert one != "an allocation"


PIVOTED: list[Any] = [
    lambda frame: frame.to_numpy(),
    lambda frame: frame.to_numpy(dtype=object),
    lambda frame: frame.to_numpy().tolist(),
]


@pytest.mark.parametrize("without_labels", PIVOTED)
def test_a_table_is_never_taken_by_position(programme: Programme, without_labels: Any) -> None:
    money = allocation_of_rows([[1, 2], [3, 4], [5, 6]])
    frame = amounts_frame(programme, money).pivot(index="county", columns="task", values="amount")
    swapped = frame.iloc[::-1, ::-1]
    with pytest.raises(InputError, match=r"name its axes in their order: Allocation\.of\("):
        Allocation.of(without_labels(swapped), programme)
    named = {"counties": ["Gamma", "b", "甲县"], "tasks": ["school", "road"]}
    assert Allocation.of(without_labels(swapped), programme, **named) == money
    assert Allocation.of(swapped, programme) == money


def test_an_array_is_no_allocation_by_itself() -> None:
    with pytest.raises(InputError, match="never read by position"):
        Allocation(np.array([[1, 2]]))  # type: ignore[arg-type]


def test_axes_that_do_not_fit_the_table_are_refused(programme: Programme) -> None:
    with pytest.raises(InputError, match="the table is 1 × 2 where its axes name 2 × 1"):
        Allocation.of([[1, 2]], programme, counties=["a", "b"], tasks=["road"])
    with pytest.raises(InputError, match="unknown task 'raod'"):
        Allocation.of([[1]], programme, counties=["a"], tasks=["raod"])


def test_parts_of_a_money_unit_stay_exact_in_a_named_table(programme: Programme) -> None:
    money = Allocation.of([[Fraction(1, 3)]], programme, counties=["a"], tasks=["road"])
    assert money.spent == Fraction(1, 3)


def test_money_moved_is_the_larger_of_what_is_added_and_taken() -> None:
    before, now = allocation_of_rows([[10, 0]]), allocation_of_rows([[0, 3]])
    assert now.moved_from(before) == before.moved_from(now) == 10


def test_tables_that_people_open_say_that_they_are_in_utf8(programme: Programme) -> None:
    text = allocation_csv(allocation_of_rows([[1, 0], [0, 2], [0, 0]]), programme)
    assert text.startswith("\ufeffcounty,task,amount")
    file = MemoryFile("mine.csv", text.encode())
    assert read_allocation(file, programme).spent == 3
    assert not csv_text(["county"], [], for_people=False).startswith("\ufeff")


def test_an_allocation_from_another_process_can_be_made_anew() -> None:
    """The type of its array is equal then, and no longer the same object."""
    money = allocation_of_rows([[1, 2], [3, Fraction(1, 2)]])
    sent = pickle.loads(pickle.dumps(money))
    assert replace(sent, amounts=sent.amounts[::-1]) == allocation_of_rows(money.amounts[::-1])
