"""Settings and fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from optimizer.compare import Compared
from tests.chromium import Browser, browser, need_programs
from tests.side_by_side import six_columns

# The suite gives the same verdict every time; tests/bench/bench_worlds.py looks further.
settings.register_profile("suite", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("suite")
# Hypothesis also draws constants of the modules that happen to be loaded: what it draws would
# depend on which tests the same process ran before.
assert hasattr(providers, "is_local_module_file")
providers.is_local_module_file = lambda _file: False


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; skipped with a reason where none is installed, but for CI."""
    need_programs("chromium", "chromedriver")
    with browser(tmp_path_factory.mktemp("chromium")) as session:
        yield session


@pytest.fixture(scope="session")
def six() -> Compared:
    """The shipped fund in six columns."""
    return six_columns()
