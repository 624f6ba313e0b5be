"""Tables that the tests of the analysis share."""

from made_tables import degenerate, table

__all__ = ["degenerate", "table"]
