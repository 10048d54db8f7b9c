"""Where solvers are imported and called, and which one answers to a name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from models.solution import SearchNote
from optimizer.formulation.model import Floats, Model
from optimizer.solvers.base import Answer, Effort, Engine, Limit, Way

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start
    from optimizer.solvers.decomposition.tree import Reached
    from optimizer.solvers.highs_lp import HotModel


def pick_engine(
    name: str, way: Way = "auto", start: Start | None = None
) -> tuple[Engine, tuple[str, ...]]:
    """The solver of that name, and what a report should say of the choice; `start`: where searches
    by county begin.

    `highs` is HiGHS through its own arrays; a mixed-integer model that comes apart by counties is
    solved so. Without highspy, and for every other name, the model goes through PuLP. Raises
    `InputError` for a name that PuLP does not know or cannot run.
    """
    notes: tuple[str, ...] = ()
    if name == "highs":
        if _has_highspy():
            # Each engine loads its own package, and only when it is chosen.
            from optimizer.solvers.highs import solve_model

            if way == "monolithic":
                return solve_model, ()
            # As above.
            from optimizer.solvers.decomposition.by_county import by_county

            return by_county(solve_model, goes_on=way == "auto", start=start), ()
        notes = ("highspy is not installed: solved by CBC through PuLP",)
    # As above: PuLP is loaded by those who ask for it.
    from optimizer.solvers.pulp_engine import pulp_engine

    return pulp_engine(engine_name(name)), notes


def begun(model: Model, start: Start | None = None, close: float = 0.0) -> Start | None:
    """Where searches by county of models with the same columns and rows may begin: where its own
    ended. None where it does not come apart or nothing keeps its rows, and without highspy.
    `start`: where that of a like model ended; `close`: how near its bound comes to its best, as a
    share of it."""
    if not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.decomposition.bound import CLOSE
    from optimizer.solvers.decomposition.by_county import begun as found

    return found(model, start, max(close, CLOSE))


def first_choice(
    model: Model, effort: Effort, engine: Engine, like: dict[bool, Start] | None = None
) -> Answer | None:
    """Some answer of a mixed-integer model, found county by county in little time; None where it
    does not come apart, and without highspy. `like`: what is kept for the next such model."""
    if not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.decomposition.by_county import first_choice as choose

    return choose(model, effort, engine, like)


def is_ruled_out(model: Model, like: dict[bool, Start], seconds: float | None) -> bool | None:
    """As `optimizer.solvers.decomposition.by_county.is_ruled_out`; None without highspy."""
    if not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.decomposition.by_county import is_ruled_out as shown

    return shown(model, like, seconds)


def hot_model(model: Model) -> HotModel | None:
    """A model's relaxation, solved again and again with a few numbers changed; None without
    highspy."""
    if not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.highs_lp import HotModel

    return HotModel(model)


def apart_answer(
    model: Model, effort: Effort, engine: Engine, start: Start | None = None
) -> Answer | None:
    """The answer of a mixed-integer model taken apart by counties, with its bound, and nothing of
    it in one piece; None where it does not come apart or nothing is found so, and without highspy.
    `start`: of a like model, where the search for prices begins."""
    if model.is_lp or not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.decomposition.by_county import solved_by_county

    return solved_by_county(model, effort, engine, start)


def read_choices(
    model: Model, target: float, read: Callable[[Floats], float], limit: Limit
) -> Reached | None:
    """As `optimizer.solvers.decomposition.by_county.read_choices`; None where the model does not
    come apart, and without highspy."""
    if not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.decomposition.by_county import read_choices as every

    return every(model, target, read, limit)


def why_in_one(model: Model) -> SearchNote | None:
    """Why a mixed-integer model does not come apart by counties; None where it does, and without
    highspy."""
    if not _has_highspy():
        return None
    # As in `pick_engine`.
    from optimizer.solvers.decomposition.blocks import why_in_one as why

    return why(model)


def engine_name(name: str) -> str:
    """The solver that answers to the name: CBC stands in for HiGHS where highspy is missing."""
    return "cbc" if name == "highs" and not _has_highspy() else name


def engine_version(name: str) -> str:
    """The version of the package that solves."""
    package = "highspy" if engine_name(name) == "highs" else "pulp"
    return f"{package} {version(package)}"


def _has_highspy() -> bool:
    try:
        # Whether it can be loaded is the question.
        import optimizer.solvers.highs  # noqa: F401
    except ImportError:
        return False
    return True
