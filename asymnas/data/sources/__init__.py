"""Data sets, one file per source; the registry imports every file of this folder."""
