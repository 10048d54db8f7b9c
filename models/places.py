"""Counties by the names that people have for them."""

from __future__ import annotations

import difflib

from models.errors import refuse
from models.programme import Programme


def county_at(programme: Programme, name: str, option: str = "") -> int:
    """The position of a county by its code or by its name in either language.

    A name may be shortened to its beginning where only one begins so. Raises `InputError` with
    the nearest names where there is none, or several.
    """
    table = programme.counties
    said = (table.ids, table.names("zh"), table.names("en"))
    folded = name.strip().casefold()
    exact = {at for texts in said for at, text in enumerate(texts) if text.casefold() == folded}
    begins = {
        at
        for texts in said
        for at, text in enumerate(texts)
        if folded and text.casefold().startswith(folded)
    }
    hits = sorted(exact or begins)
    if len(hits) == 1:
        return hits[0]
    if hits:
        several = ", ".join(f"{table.names('zh')[at]} ({table.ids[at]})" for at in hits[:5])
        refuse(option, "", f"'{name}' may be {several}; say which")
    refuse(option, "", f"unknown county '{name}'{_nearest(name, said)}")


def _nearest(name: str, said: tuple[tuple[str, ...], ...]) -> str:
    """The three nearest names in any of the three ways to call a county."""
    known = {text.casefold(): text for texts in said for text in texts}
    near = difflib.get_close_matches(name.casefold(), list(known), n=3, cutoff=0.5)
    shown = " or ".join(f"'{known[text]}'" for text in near)
    return f" (did you mean {shown}?)" if shown else ""
