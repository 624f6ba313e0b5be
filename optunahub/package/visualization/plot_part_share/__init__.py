from ._plot import plot_part_share

__all__ = ["plot_part_share"]
