"""Scaling laws of the loss in the parameters of each side, and the best share they imply."""
