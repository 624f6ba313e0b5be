"""Results in words, tables, figures, one page and the console."""
