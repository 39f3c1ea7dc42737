"""The strategies: `kind` in `[strategy]`, and the table that reads it and solves."""

from generators.strategies.best_of import BestOf
from generators.strategies.repeated import Repeated
from generators.strategies.self_consistency import SelfConsistency
from generators.strategies.star import Star
from generators.strategies.strategy import StrategyTable
from generators.strategies.until_correct import UntilCorrect

STRATEGIES: dict[str, type[StrategyTable]] = {
    "best_of": BestOf,
    "repeated": Repeated,
    "self_consistency": SelfConsistency,
    "star": Star,
    "until_correct": UntilCorrect,
}
