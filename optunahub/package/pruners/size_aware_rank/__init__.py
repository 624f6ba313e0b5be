from ._pruner import SizeAwareRankPruner, report, should_prune

__all__ = ["SizeAwareRankPruner", "report", "should_prune"]
