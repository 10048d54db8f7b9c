"""Readings of results that several documents and pages show."""
