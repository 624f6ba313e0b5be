"""Data sets and their splits; one file per source in `sources`."""
