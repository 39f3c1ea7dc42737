"""The strategies: `kind` in `[strategy]`, and the table that reads it and solves."""

from generators.strategies.repeated import Repeated

STRATEGIES: dict[str, type[Repeated]] = {
    "repeated": Repeated,
}
