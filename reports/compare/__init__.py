"""A comparison as people read it: terminal, JSON, CSV, page, workbook."""
