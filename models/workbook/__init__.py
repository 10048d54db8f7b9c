"""Workbooks that people have edited: read cell by cell, never trusted."""
