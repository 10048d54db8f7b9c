"""What reports show of a programme: the tile map, sources, labels, and how evenly money falls."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.allocation import lorenz
from models.errors import InputError
from models.metadata import check_shown, read_sources, read_tile_map
from models.scenario import Scenario
from reports.svg import fitted, spread, ticks
from tests.worlds import world, write_yaml


def with_file(folder: Path, name: str, content: object) -> Scenario:
    made = world(folder, {"budget": 50}, counties={"a": {"people": 1}, "b": {"people": 3}})
    path = made.programme.folder / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        write_yaml(path, content)
    return made


def refused(made: Scenario) -> list[str]:
    with pytest.raises(InputError) as caught:
        check_shown(made.programme)
    return [str(problem) for problem in caught.value.problems]


def test_a_tile_has_a_place_and_short_names(tmp_path: Path) -> None:
    made = with_file(tmp_path, "tiles.csv", "code,column,row,short_zh\nb,3,0,乙\na,0,2,\n")
    tiles = read_tile_map(made.programme)
    assert [(tile.county, tile.column, tile.row) for tile in tiles] == [(1, 3, 0), (0, 0, 2)]
    assert tiles[0].short == {"zh": "乙", "en": "b"}
    assert tiles[1].short["zh"] == "a"


def test_every_tile_that_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    rows = "code,column,row\na,0,0\nb,0,0\nx,1,1\na,2.5,-1\n"
    assert refused(with_file(tmp_path, "tiles.csv", rows)) == [
        "tiles.csv: line 3: the square stands in line 2 already",
        "tiles.csv: line 4: unknown county 'x'",
        "tiles.csv: line 5: the county a stands in line 2 already",
        "tiles.csv: line 5: column: a whole number from 0 to 59 is due here, not '2.5'",
        "tiles.csv: line 5: row: a whole number from 0 to 59 is due here, not '-1'",
    ]


def test_without_its_files_nothing_is_shown(tmp_path: Path) -> None:
    made = world(tmp_path, {"budget": 50})
    check_shown(made.programme)
    assert read_tile_map(made.programme) == ()
    assert read_sources(made.programme) == ()


def test_a_source_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    content = [{"id": "s", "kind": "rumour", "title": "T"}]
    (said,) = refused(with_file(tmp_path, "sources.yaml", content))
    assert said.startswith("sources.yaml: ")
    assert "kind" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"residents": "peopel"}, "residents: unknown column 'peopel' (did you mean 'people'?)"),
        ({"residents": "county"}, "residents: the column 'county' does not hold numbers"),
        ({"subtotal": "zone"}, "subtotal: unknown column 'zone'"),
        ({"curves": ["c"]}, "curves: unknown county 'c'"),
        ({"map": {"classes": [10, 10]}}, "map: the classes must rise"),
        ({"map": {"classes": [1, 2, 3, 4, 5, 6]}}, "map: at most 5 ends"),
    ],
)
def test_labels_that_lead_nowhere_are_refused(tmp_path: Path, content: object, said: str) -> None:
    (found,) = refused(with_file(tmp_path, "labels.yaml", content))
    assert found.startswith("labels.yaml: ")
    assert said in found


def exact(*numbers: int | str) -> list[Fraction]:
    return [Fraction(number) for number in numbers]


def test_the_lorenz_curve_goes_from_the_least_money_per_head_to_the_most() -> None:
    curve = lorenz(exact(30, 10), exact(1, 3))
    assert curve is not None
    quarter, three = Fraction(1, 4), Fraction(3, 4)
    assert curve.points == ((0, 0), (three, quarter), (1, 1))
    assert curve.gini == Fraction(1, 2)


def test_equal_money_per_head_has_a_gini_of_nothing() -> None:
    curve = lorenz(exact(1, 2, 3), exact(10, 20, 30))
    assert curve is not None
    assert curve.gini == 0


def test_all_money_in_one_place_leaves_one_minus_its_heads() -> None:
    curve = lorenz(exact(0, 7, 0), exact(3, 1, 4))
    assert curve is not None
    assert curve.gini == Fraction(7, 8)


def test_places_without_heads_are_left_out_and_no_money_has_no_curve() -> None:
    with_empty, without = lorenz(exact(5, 9, 1), exact(1, 0, 1)), lorenz(exact(5, 1), exact(1, 1))
    assert with_empty == without
    assert lorenz(exact(0), exact(1)) is None
    assert lorenz(exact(1), exact(0)) is None
    with pytest.raises(ValueError, match="zero or more"):
        lorenz(exact(-1, 2), exact(1, 1))


def test_labels_are_moved_apart_in_their_order_and_stay_within_the_drawing() -> None:
    assert spread([10, 11, 50], 12, 0, 100) == [10, 22, 50]
    assert spread([95, 99, 98], 12, 0, 100) == [76, 100, 88]
    assert spread([5, 5, 5], 12, 0, 12) == [0, 6, 12]


def test_ticks_are_round_and_do_not_pass_the_end() -> None:
    assert ticks(Fraction(1000), 3) == [0, 500, 1000]
    assert ticks(Fraction("3.4"), 3) == [0, 2]
    assert ticks(Fraction(0)) == [0]


def test_a_name_that_is_too_long_for_its_place_is_cut() -> None:
    assert fitted("九寨沟", 60) == "九寨沟"
    assert fitted("大小凉山彝区", 40) == "大小…"
