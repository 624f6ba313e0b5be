"""Figures of what analysis returns, one file each.

Every panel is a Plotly figure with one line that says how to read it; drawn in the light palette
of `style`, which a page swaps for the dark one. Import from the modules.
"""
