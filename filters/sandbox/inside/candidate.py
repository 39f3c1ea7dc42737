"""The process that holds the code to be judged.  From the moment that code runs, nothing here can be trusted, and nothing is.

It is told the code and then, one at a time, calls with plain arguments; never a test, an expected value or another's output.
"""

import atexit
import builtins
import collections
import operator
import os
import random
import sys
import threading
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any, NamedTuple, NoReturn

from filters.sandbox.inside import limits
from filters.sandbox.inside.names import LAST_FUNCTION, Module, Unreadable
from filters.sandbox.inside.wire import Garbled, Gone, Unsendable, decode, encode, receive, send

NULL, READING, WRITING = 2, 3, 4  # standard error goes nowhere
ENDED, EXITED, RAISED, NO_MEMORY, NO_MODULE, NOT_PERMITTED = 0, 80, 81, 82, 83, 84  # a program's exit status, for its reason only
_MUTABLE = (list, dict, set, bytearray)
_AS_DICT = (collections.Counter, collections.OrderedDict, collections.defaultdict)
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": lambda function, *arguments, **keywords: function(*arguments, **keywords),
    "getattr": getattr,
    "setattr": setattr,
    "getitem": operator.getitem,
    **{name: getattr(builtins, name) for name in ("iter", "next", "len", "bool", "int", "float", "str", "repr")},
}


class Choice(NamedTuple):
    """Code to run, its place (group and version), and its last function.  Without one, "syntax_error" or "not_defined" says why."""

    reason: str
    place: list[int] | None = None
    code: CodeType | None = None
    last_function: str = ""
    lacks: int = 0  # how many names it uses that nobody defines


def run(system_calls: limits.SystemCalls | None, *, writable: bool) -> NoReturn:
    """Take the code from the referee, run it under the limits, and answer or end.  Its standard streams and both pipes are set."""
    limits.apply(system_calls, writable=writable)
    random.seed(0)
    sys.argv = ["program.py"]
    limits.reopen_standard_streams()
    try:
        task = receive(READING)
        prelude = Module.of(task["prelude"])
        choice = _chosen(task["sources"], frozenset(task["names"]), prelude.bound)
        send(WRITING, choice.place or choice.reason)
        if choice.code is not None and task["calls"]:
            _serve(choice.code, choice.last_function, prelude.code("<prelude>"))
        if choice.code is not None:
            _program(choice.code)
    except (Gone, Garbled):
        pass
    os._exit(EXITED)


def _chosen(sources: list[list[str]], wanted: frozenset[str], given: frozenset[str]) -> Choice:
    """Return, of the first group whose first version can be run, the first version that also lacks no name, else the first.

    It can be run if it compiles and defines what is wanted.
    """
    reason = "syntax_error"
    for index, group in enumerate(sources):
        first = _readable(group[0], [index, 0], wanted, given)
        if first.code is not None:
            others = (
                _readable(source, [index, place], wanted, given) for place, source in enumerate(group) if first.lacks and place
            )
            return next((other for other in others if other.code and not other.lacks), first)
        if first.reason == "not_defined":
            reason = "not_defined"
    return Choice(reason)


def _readable(source: str, place: list[int], wanted: frozenset[str], given: frozenset[str]) -> Choice:
    try:
        module = Module.of(source)
        functions = module.functions()
        if not wanted <= module.bound | {LAST_FUNCTION for _ in functions}:
            return Choice("not_defined")
        return Choice("", place, module.code("<code>"), functions[-1] if functions else "", len(module.free - given))
    except Unreadable:
        return Choice("syntax_error")


def _module(name: str) -> dict[str, Any]:
    module = ModuleType(name)  # dataclasses and pickle look a class's module up
    sys.modules[name] = module
    return module.__dict__


def _program(code: CodeType) -> NoReturn:
    """Run a whole program and end as an interpreter does: threads joined, exit functions called, output written."""
    status = ENDED
    try:
        exec(code, _module("__main__"))
    except SystemExit as end:
        status = ENDED if end.code in (None, 0) else EXITED
    except BaseException as error:
        status = _status(error)
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter does at its end, which a fork never reaches
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException as error:
        status = _status(error)
    os._exit(status)


def _status(error: BaseException) -> int:
    kinds = ((MemoryError, NO_MEMORY), (ModuleNotFoundError, NO_MODULE), (PermissionError, NOT_PERMITTED))
    return next((status for kind, status in kinds if isinstance(error, kind)), RAISED)


def _serve(code: CodeType, last_function: str, prelude: CodeType) -> NoReturn:
    """Load the code, say how that went, and answer calls until the referee has gone."""
    os.dup2(NULL, 0)
    os.dup2(NULL, 1)
    objects: list[Any] = []
    namespace = _module("solution")
    try:
        exec(prelude, namespace)
        exec(code, namespace)
        namespace[LAST_FUNCTION] = namespace.get(last_function)
        reply = ["value", None]
    except BaseException as error:
        reply = _raised(error)
    send(WRITING, [0, *reply])
    while True:
        number, operation, arguments, keywords = receive(READING)
        reply = _answer(operation, arguments, keywords, namespace, objects)
        try:
            send(WRITING, [number, *reply])
        except Unsendable:
            send(WRITING, [number, "unsendable"])


def _answer(operation: str, arguments: Any, keywords: Any, namespace: dict[str, Any], objects: list[Any]) -> list[Any]:
    def resolve(reference: list[Any]) -> Any:
        if reference[0] == "object":
            return objects[reference[1]]
        if reference[1] not in namespace:
            raise NameError(f"name {reference[1]!r} is not defined")
        return namespace[reference[1]]

    def refer(value: Any, depth: int) -> Any:
        if type(value) in _AS_DICT:
            return encode(dict(value), refer, depth)
        objects.append(value)
        return ["object", len(objects) - 1]

    try:
        values = decode(arguments, resolve)
        result = _OPERATIONS[operation](*values, **decode(keywords, resolve))
        if result is None and operation == "call":
            changed = [value for value in values if type(value) in _MUTABLE]
            return ["mutated", encode(changed, refer)] if changed else ["value", None]
        return ["value", encode(result, refer)]
    except Unsendable:
        return ["unsendable"]
    except BaseException as error:
        return _raised(error)


def _raised(error: BaseException) -> list[Any]:
    """Return an exception as the name of the first of Python's own among its kinds, and its message."""
    name = next((kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind), "BaseException")
    try:
        return ["raised", name, str(error)[:1000]]
    except BaseException:
        return ["raised", name, ""]
