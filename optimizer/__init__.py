"""Solving, comparing, auditing: imports `models`, never `reports` or `cli`."""
