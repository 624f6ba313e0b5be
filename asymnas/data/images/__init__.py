"""Decoded images: reading, caching, and tensors larger than memory."""
