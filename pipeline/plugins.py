"""Strategies of other packages: entry points of the group `starbeam.strategies`, imported only where one is named or listed."""

import functools
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from generators.strategies import STRATEGIES
from generators.strategies.strategy import StrategyTable
from schemas.errors import UserError

GROUP = "starbeam.strategies"


class Strategies(Mapping[str, type[StrategyTable]]):
    """The strategies of this project and of plugins, by kind."""

    def __getitem__(self, kind: str) -> type[StrategyTable]:
        return STRATEGIES[kind] if kind in STRATEGIES else _imported(_plugins()[kind])

    def __iter__(self) -> Iterator[str]:
        return iter((*STRATEGIES, *_plugins()))

    def __len__(self) -> int:
        return len(STRATEGIES) + len(_plugins())


def release_of(kind: str) -> dict[str, str]:
    """Return the version of the plugin that a strategy comes from, by its package's name; nothing for one of our own."""
    if kind in STRATEGIES:
        return {}
    package = _plugins()[kind].dist
    return {} if package is None else {package.name: package.version}


@functools.cache
def _plugins() -> dict[str, EntryPoint]:
    """Return the plugins by kind, none of them imported.  Raises UserError where two strategies have one name."""
    found: dict[str, EntryPoint] = {}
    for one in sorted(entry_points(group=GROUP), key=_from):
        if one.name in STRATEGIES:
            raise UserError(f"{_from(one)} takes the name of starbeam's own strategy {one.name!r}; uninstall that package")
        if one.name in found:
            raise UserError(f"{_from(one)} and {_from(found[one.name])} both bring strategy {one.name!r}; uninstall one of them")
        found[one.name] = one
    return found


def _imported(plugin: EntryPoint) -> type[StrategyTable]:
    try:
        table = plugin.load()
    except Exception as error:  # whatever a stranger's module does when it is imported
        raise UserError(
            f"{_from(plugin)}: strategy {plugin.name!r} cannot be imported: {type(error).__name__}: {error}; mend that package or "
            "uninstall it"
        ) from error
    if not (isinstance(table, type) and issubclass(table, StrategyTable)):
        raise UserError(
            f"{_from(plugin)}: strategy {plugin.name!r} is {plugin.value}, which is no subclass of "
            "generators.strategies.strategy.StrategyTable; mend that package or uninstall it"
        )
    return table


def _from(plugin: EntryPoint) -> str:
    return "a plugin" if plugin.dist is None else f"plugin {plugin.dist.name} {plugin.dist.version}"
