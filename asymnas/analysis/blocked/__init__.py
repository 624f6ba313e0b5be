"""Contrasts between decoder shares within the structures of a sweep, and what follows from them."""
