"""Settings and fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from random import Random

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from optimizer.compare import Compared
from tests.chromium import Browser, browser, need_programs
from tests.side_by_side import six_columns

# Tests read English unless they ask for Chinese, whatever the machine's own language.
os.environ["LC_MESSAGES"] = "C"
# The suite gives the same verdict every time; tests/bench/bench_worlds.py looks further.
settings.register_profile("suite", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("suite")
# Hypothesis also draws constants of the modules that happen to be loaded: what it draws would
# depend on which tests the same process ran before.
assert hasattr(providers, "is_local_module_file")
providers.is_local_module_file = lambda _file: False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files, and the tests of each, in a random order where one is asked for."""
    if seed := os.environ.get("ALLOT_TESTS_ORDER"):
        files = list(dict.fromkeys(item.path for item in items))
        Random(seed).shuffle(files)
        Random(seed).shuffle(items)
        items.sort(key=lambda item: files.index(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with a failure how its surroundings are had again."""
    report = yield
    if report.failed and (again := os.environ.get("ALLOT_TESTS_AGAIN")):
        report.sections.append(("surroundings", f"{again} '{report.nodeid}'"))
    return report


@pytest.fixture(scope="session")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; skipped with a reason where none is installed, but for CI."""
    need_programs("chromium", "chromedriver")
    with browser(tmp_path_factory.mktemp("chromium")) as session:
        yield session


@pytest.fixture
def chromium(one_browser: Browser) -> Iterator[Browser]:
    """That browser with a window for this test alone."""
    with one_browser.page() as page:
        yield page


@pytest.fixture(scope="session")
def six() -> Compared:
    """The shipped fund in six columns."""
    return six_columns()
