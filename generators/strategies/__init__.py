"""The strategies: `kind` in `[strategy]`, and the table that reads it and solves."""

from generators.strategies.repeated import Repeated
from generators.strategies.strategy import StrategyTable

STRATEGIES: dict[str, type[StrategyTable]] = {
    "repeated": Repeated,
}
