"""A small programme to start from, written into a new folder for its user to change."""

from __future__ import annotations

from pathlib import Path

from models.errors import refuse, with_keywords
from models.files import write_whole

_HERE = Path(__file__).parent
SCENARIO = _HERE / "scenario.yaml"
"""The scenario of the small programme, where it is kept."""


@with_keywords()
def write_starter(folder: Path | str) -> None:
    """Write `scenario.yaml` and a folder `programme` of five towns and three tasks to `folder`.

    Every number in it is an example, and marked as one. Raises `InputError` for a folder with
    something in it, which stays as it is, and for one that cannot be written.
    """
    folder = Path(folder)
    paths = [_HERE / "scenario.yaml", *sorted((_HERE / "programme").iterdir())]
    files = {path.relative_to(_HERE).as_posix(): path.read_bytes() for path in paths}
    if not folder.is_dir():
        write_whole(folder, files)
        return
    try:
        if any(folder.iterdir()):
            refuse(str(folder), "", "is there already and not empty; name a new folder")
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    except OSError as error:
        refuse(str(folder), "", f"cannot be written ({error.strerror or error})")
