"""The planning core: tables and arrays in, values out.

No HTTP server, no database and no presentation live here; `maps` and `api` import this package,
never the other way round.  Inside a town every length is in metres, in one metric CRS.
"""
