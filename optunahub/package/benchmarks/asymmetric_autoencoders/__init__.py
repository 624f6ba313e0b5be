from ._problem import Problem
from ._sampler import PoolSampler
from ._simulation import simulate
from ._table import Table

__all__ = ["PoolSampler", "Problem", "Table", "simulate"]
