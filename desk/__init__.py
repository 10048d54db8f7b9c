"""The desk: a local web page for finance staff over the same public functions."""
