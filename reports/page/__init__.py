"""The parts of report.html: what stands in each, as text and drawings ready for its template."""
