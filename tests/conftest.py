"""Settings that all tests share."""

from hypothesis import settings

# The suite gives the same verdict every time; tests/bench/bench_random.py looks further.
settings.register_profile("suite", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("suite")
