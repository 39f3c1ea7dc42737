"""Which names sources define and need, and tests whose assertions are counted."""

import pytest

from filters.sandbox.inside.names import COUNT, Module, RunnableTests, Unreadable, expression, readable_tests


@pytest.mark.parametrize(
    ("source", "bound", "free"),
    [
        ("def f(x): return g(x) + h", {"f"}, {"g", "h"}),
        ("import os.path, re as r\nfrom math import sqrt as s", {"os", "r", "s"}, set()),
        ("assert f([len(x) for x in y]) == 3", set(), {"f", "y"}),
        ("class A(B):\n    def m(self): return C", {"A"}, {"B", "C"}),
        ("def f():\n    global made\n    made = 1", {"f", "made"}, set()),
        ("def f():\n    inner = 1\n    def g(): return inner + outer\n    return g", {"f"}, {"outer"}),
        ("try:\n    import numpy as np\nexcept ImportError:\n    np = None\nprint(np)", {"np"}, set()),
        ("for i in range(3): x = i", {"i", "x"}, set()),
        ("f = lambda a: a + b", {"f"}, {"b"}),
        ("def f(xs: List[int]) -> None: ...", {"f"}, {"List"}),
        ("if (n := size): print(n)", {"n"}, {"size"}),
        ("print(__name__, __file__)", set(), set()),
        ("", set(), set()),
    ],
)
def test_names(source: str, bound: set[str], free: set[str]) -> None:
    assert Module.of(source)[1:] == (bound, free)


UNREADABLE = ["def (", "x = \0", "(" * 5000, "-" * 100_000 + "1", "a" + ".b" * 50_000, "\ud800", "x = " + "[" * 300]


@pytest.mark.parametrize("source", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_does_not_compile_is_unreadable(source: str) -> None:
    for read in (Module.of, expression):
        with pytest.raises(Unreadable):
            read(source)


@pytest.mark.parametrize(
    "source", ["return 1", "break", "def f():\n    yield\nawait x", "x: int = 1\ndef f():\n    global x\n    x: str"]
)
def test_what_is_syntax_and_no_program_is_unreadable(source: str) -> None:
    with pytest.raises(Unreadable):
        Module.of(source).code("<code>")


def test_functions_are_those_of_the_top_level_in_order() -> None:
    source = "def a():\n    def inner(): ...\nclass B:\n    def m(self): ...\nasync def c(): ..."
    assert Module.of(source).functions() == ["a", "c"]


def test_without_leaves_all_else() -> None:
    source = "import math\nK = 2\ndef a(): return K\nclass B: ...\ndef c(): return a()"
    left = Module.of(source).without(frozenset({"c", "B"}))
    assert Module.of(left).bound == {"math", "K", "a"}


def read_tests(source: str) -> RunnableTests:
    return readable_tests(Module.of(source))


def counted(source: str) -> int:
    """Run tests and return how many assertions held."""
    held: list[None] = []
    exec(read_tests(source).code, {COUNT: lambda: held.append(None)})
    return len(held)


def test_only_assertions_that_hold_are_counted_each_time() -> None:
    assert counted("assert True\nfor i in range(3):\n    assert i >= 0, 'message'") == 4
    assert counted("try:\n    assert False\nexcept AssertionError:\n    pass") == 0
    assert counted("if False:\n    assert True") == 0
    assert counted("class T:\n    def m(self):\n        assert self\nT().m()") == 1
    with pytest.raises(AssertionError):
        counted("assert 1 == 2")


def test_what_is_read_off_tests() -> None:
    tests = read_tests("def check(c):\n    assert c(1)\ndef test_a(): assert f(1)\ndef test_b(fixture): ...\ncheck(f)")
    assert (tests.assertions, tests.functions, tests.calls_check) == (2, ("test_a",), True)
    assert read_tests("def check(c): assert c").calls_check is False
    classes = read_tests("class N(Base, metaclass=M): ...\ntry: f()\nexcept (E, ValueError): assert True").as_classes
    assert classes == {"Base", "E", "ValueError"}


@pytest.mark.parametrize(
    ("source", "executes"),
    [
        ("eval(x)", True),
        ("builtins.exec(x)", True),
        ("f = compile", True),
        ("import pickle as p", True),
        ("from importlib.metadata import version", True),
        ("def f(): return __import__(x)", True),
        ("import re\nre.compile(x)", False),
        ("import json, math\njson.loads(x)", False),
        ("evaluate(x)", False),
    ],
)
def test_what_would_execute_an_answer(source: str, executes: bool) -> None:
    assert Module.of(source).executes() is executes
