"""Reports: what an office files, as a workbook, a text or a page."""
