"""Decomposition by county: prices on the rows that couple counties, each county solved exactly."""
