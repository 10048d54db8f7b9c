"""Solving, comparing, auditing: imports `models`, never `reports` or `cli`.

For notebooks: `from optimizer import load, solve, audit`. Each is fetched when it is first asked
for, so that `import optimizer.audit` loads no solver.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.scenario import load
    from optimizer.audit import audit
    from optimizer.solve import Options, solve

__all__ = ["Options", "audit", "load", "solve"]

_HOMES = {
    "Options": "optimizer.solve",
    "audit": "optimizer.audit",
    "load": "models.scenario",
    "solve": "optimizer.solve",
}


class _Package(ModuleType):
    """This package, with its public names fetched on demand.

    `optimizer.solve` and `optimizer.audit` are the functions, whatever was imported before: Python
    binds a module to its package's attribute when it first loads it, which would put the modules
    of these names in the functions' place. The modules stay in `sys.modules`, so that
    `from optimizer.solve import …` finds them.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        return getattr(import_module(_HOMES[name]), name)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_HOMES})


sys.modules[__name__].__class__ = _Package
