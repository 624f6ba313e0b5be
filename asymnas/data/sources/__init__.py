"""Data sets, one file per source; a new file is found by itself."""
