"""The tests of a function, made ready to run against a candidate that is elsewhere."""

import builtins
import importlib
from typing import Any

from filters.sandbox.inside.names import COUNT, LAST_FUNCTION, Module, Unreadable, expression, readable_tests
from filters.sandbox.inside.remote import Link, Remote

# Names that tests use without importing them, because they expect the code to have done so.  The code's own must not stand in, for
# it would be shown expected values.  A function that a problem could ask for is not among them.
_MODULES = frozenset(
    "bisect cmath collections copy datetime functools heapq itertools json math operator random re string sys".split()
)
_MEMBERS = {
    **dict.fromkeys(("Counter", "OrderedDict", "defaultdict", "deque"), "collections"),
    **dict.fromkeys(("Any", "Callable", "Dict", "Iterable", "List", "Optional", "Set", "Tuple", "Union"), "typing"),
    "Decimal": "decimal",
    "Fraction": "fractions",
}


class Trial:
    """Tests with the candidate's functions in place.

    `wanted` are the names that the code must define, `prelude` what the problem defines for code and tests, `passed` counts the
    assertions that held.
    """

    def __init__(self, tests: str, contexts: list[str], entry: str | None, link: Link) -> None:
        """`contexts` and `entry` are as in `filters.sandbox.run.run_tests`.

        Raises Unreadable where the tests do not compile, assert nothing, ask nothing of the code, or name what nobody defines.
        """
        module = Module.of(tests)
        self._tests = readable_tests(module)
        self._link = link
        self.passed = 0
        self._has_check = "check" in module.bound
        entry, self.prelude = _task(contexts, entry, guess=self._has_check)
        prelude = Module.of(self.prelude)
        self._prelude = prelude.code("<prelude>")
        self._entry = expression(entry) if entry else None
        entries = Module.of(entry).free if entry else frozenset()
        free = module.free - entries - prelude.bound
        self._imported = {name for name in free if name in _MODULES or name in _MEMBERS}
        asked = (free - self._imported) | entries
        if self._tests.assertions == 0 or (entry and asked != entries) or not (asked or self._has_check):
            raise Unreadable
        self.wanted = sorted(asked) or [LAST_FUNCTION]
        self._needs_classes = bool(self._tests.as_classes & asked)
        self._executes = module.executes() or prelude.executes()

    def run(self) -> None:
        """Run all tests; the first that fails raises, and so does what the candidate raises.  Raises Undecided too."""
        if self._needs_classes:
            self._link.undecide("tests_need_objects")
        if self._executes:
            self._link.undecide("tests_execute_answers")
        namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins, COUNT: self._count}
        for name in self._imported:
            module = importlib.import_module(_MEMBERS.get(name, name))
            namespace[name] = module if name in _MODULES else getattr(module, name)
        exec(self._prelude, namespace)
        namespace |= {name: Remote(self._link, ["name", name]) for name in self.wanted}
        exec(self._tests.code, namespace)
        if self._has_check and not self._tests.calls_check:
            namespace["check"](eval(self._entry, namespace) if self._entry else namespace[LAST_FUNCTION])
        for name in self._tests.functions:
            namespace[name]()

    def _count(self) -> None:
        self.passed += 1


def _task(contexts: list[str], entry: str | None, *, guess: bool) -> tuple[str | None, str]:
    """Return the entry and the prelude: of the first context that defines the entry's name, all but that.

    To `guess` an entry is to take the last function of the first context that has one.  Without an entry there is no prelude: what
    looks like a helper could be the function that is asked for.
    """
    wanted = Module.of(entry).free if entry else frozenset()
    for text in contexts if entry or guess else ():
        try:
            context = Module.of(text)
            names = wanted or frozenset(context.functions()[-1:])
            if names & context.bound:
                return entry or next(iter(names)), context.without(names)
        except Unreadable:
            continue
    return entry, ""
