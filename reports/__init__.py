"""Numbers to terminal, page and workbook; no arithmetic but formatting."""
