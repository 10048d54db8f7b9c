"""A study as the command line asks for it: `--vary PATH=VALUES`, options by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.errors import refuse
from models.scenario import Scenario
from optimizer.study.grid import grid_study
from optimizer.study.runner import Watch
from optimizer.study.study_result import Study
from optimizer.study.sweep import Interval, sweep_study
from optimizer.study.tornado import tornado_study


def asked(verb: str, scenario: Scenario, options: dict[str, Any], watch: Watch) -> Study:
    """The study that `verb` (grid, sweep, tornado) asks for.

    `options`: `vary`, the texts of `--vary`, or `by`; the rest are the fields of `How`. Raises
    `InputError` for a text that is no `PATH=VALUES` and for whatever the study itself refuses.
    """
    # What was not given; a gap of 0 is something else.
    how = {key: value for key, value in options.items() if value is not None and value is not False}
    if verb == "tornado":
        return tornado_study(scenario, how.pop("by", "worth"), watch=watch, **how)
    vary = varied(how.pop("vary", ()))
    if verb == "grid":
        return grid_study(scenario, vary, watch=watch, **how)
    if len(vary) != 1:
        refuse("", "--vary", "a sweep goes along one path: --vary PATH=low:high")
    path, text = next(iter(vary.items()))
    return sweep_study(scenario, path, interval(text), watch=watch, **how)


def varied(texts: Sequence[str]) -> dict[str, str]:
    """Path → values, from `PATH=VALUES`."""
    vary: dict[str, str] = {}
    for text in texts:
        path, equals, values = text.partition("=")
        name = path.strip()
        if not (equals and name and values.strip()):
            refuse("", f"--vary {text}", "write --vary PATH=first:last:step, or PATH=a,b,c")
        if name in vary:
            refuse("", f"--vary {text}", "the path is varied already; list its values in one")
        vary[name] = values.strip()
    return vary


def interval(text: str) -> Interval:
    """`low:high` or `low:high:step`."""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (2, 3) or not all(parts):
        refuse("", f"--vary …={text}", "a sweep takes low:high, or low:high:step")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else None
