"""Which names a source defines and which it needs; tests with their assertions counted."""

import ast
import builtins
import contextlib
import symtable
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple, Self

COUNT = "__count_assertion__"
LAST_FUNCTION = "<last function>"  # no identifier, so that no code defines it
# What turns an answer into code that runs beside the tests: then they could be made to say anything.
_EXECUTING = frozenset("eval exec compile __import__".split())
_EXECUTING_MODULES = frozenset("code codeop ctypes doctest imp importlib marshal pickle runpy shelve timeit".split())
_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


class Unreadable(Exception):
    """A source does not compile."""


class Module(NamedTuple):
    """A source as it was read, the global names that it binds anywhere, and those that it reads and never binds."""

    tree: ast.Module
    bound: frozenset[str]
    free: frozenset[str]

    @classmethod
    def of(cls, source: str) -> Self:
        """Raises Unreadable."""
        with _compiling():
            tree, module = ast.parse(source), symtable.symtable(source, "<source>", "exec")
        bound: set[str] = set()
        read: set[str] = set()
        waiting = [module]
        while waiting:
            table = waiting.pop()
            waiting += table.get_children()
            for symbol in table.get_symbols():
                if (table is module or symbol.is_declared_global()) and (symbol.is_assigned() or symbol.is_imported()):
                    bound.add(symbol.get_name())
                if symbol.is_referenced() and (table is module or symbol.is_global()):
                    read.add(symbol.get_name())
        return cls(tree, frozenset(bound), frozenset(read - bound - _BUILTINS))

    def functions(self) -> list[str]:
        """Return the names of the top-level functions in order."""
        return [node.name for node in self.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    def executes(self) -> bool:
        """Say whether it names what executes texts, such as `eval` or `pickle`."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Name(id=name) if name in _EXECUTING:
                    return True
                case ast.Attribute(attr=name) if name in _EXECUTING and name != "compile":  # of `re`
                    return True
                case ast.Import(names=names) if any(alias.name.partition(".")[0] in _EXECUTING_MODULES for alias in names):
                    return True
                case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in _EXECUTING_MODULES:
                    return True
        return False

    def code(self, name: str) -> CodeType:
        """Return what can be executed; `name` stands in tracebacks.  Raises Unreadable."""
        with _compiling():
            return compile(self.tree, name, "exec", dont_inherit=True)

    def without(self, names: frozenset[str]) -> str:
        """Return the source without its top-level functions and classes of those names.  Raises Unreadable."""
        body = [node for node in self.tree.body if getattr(node, "name", None) not in names]
        with _compiling():
            return ast.unparse(ast.Module(body, self.tree.type_ignores))


def expression(source: str) -> CodeType:
    """Return the code of an expression.  Raises Unreadable."""
    with _compiling():
        return compile(source, "<expression>", "eval", dont_inherit=True)


class RunnableTests(NamedTuple):
    """Tests that can be run: they call `COUNT` after each assertion that holds."""

    code: CodeType
    assertions: int
    functions: tuple[str, ...]  # top-level functions that take no argument and are named `test…`
    calls_check: bool  # at its top level, as some data sets append it
    as_classes: frozenset[str]  # names used where only a class of this very process would do: bases, `except`


def readable_tests(module: Module) -> RunnableTests:
    """Return the tests of a module, whose tree is changed.  Raises Unreadable."""
    functions = [node for node in module.tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]
    calls = [node.value.func for node in module.tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    counted = _Counted()
    with _compiling():
        as_classes = frozenset(_as_classes(module.tree))
        tree = ast.fix_missing_locations(counted.visit(module.tree))
        code = compile(tree, "<tests>", "exec", dont_inherit=True)
    return RunnableTests(
        code,
        counted.assertions,
        tuple(node.name for node in functions if not (node.args.args or node.args.posonlyargs)),
        any(isinstance(call, ast.Name) and call.id == "check" for call in calls),
        as_classes,
    )


class _Counted(ast.NodeTransformer):
    """Puts a call of `COUNT` behind each assertion."""

    def __init__(self) -> None:
        self.assertions = 0

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        """Return the assertion and the call."""
        self.assertions += 1
        call = ast.Call(ast.Name(COUNT, ast.Load()), [], [])
        return [node, ast.copy_location(ast.Expr(call), node)]


@contextlib.contextmanager
def _compiling() -> Iterator[None]:
    try:
        yield
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two where it nests too deep
        raise Unreadable from error


def _as_classes(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        places = node.bases if isinstance(node, ast.ClassDef) else [node.type] if isinstance(node, ast.ExceptHandler) else []
        found.update(part.id for place in places if place for part in ast.walk(place) if isinstance(part, ast.Name))
    return found
