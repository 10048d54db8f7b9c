"""What reports show of a programme and solving never reads: labels, tile map, sources, wording."""

from __future__ import annotations

from models.labels import read_labels
from models.papers import read_papers
from models.programme import Programme
from models.sources import read_sources
from models.tile_map import read_tile_map


def check_shown(programme: Programme) -> None:
    """Read it all, so that what is wrong with it is said before a long solve.

    Raises `InputError` with every problem of the first file that has one.
    """
    for read in (read_labels, read_tile_map, read_sources, read_papers):
        read(programme)
