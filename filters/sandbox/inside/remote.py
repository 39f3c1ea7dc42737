"""The candidate's functions as the referee sees them: each use is a question down the pipe, each answer plain data.

An object that is no plain data stays with the candidate, and the referee holds a reference.  What such an object says of itself
(an attribute, an item, its length, its text) is an answer like any other; what it would say of another value is not asked, for an
object that is shown the expected value can claim to equal it.
"""

import builtins
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from filters.sandbox.inside.wire import Garbled, Gone, Unsendable, decode, encode, receive, send

MESSAGE_CHARS = 1000
_MUTABLE = (list, dict, set, bytearray)


class Undecided(BaseException):
    """The tests ask what cannot be answered without trusting the candidate.  `reason` says what; no `except Exception` stops it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Raised(Exception):
    """The candidate raised an exception that is not one of Python's own."""


class Link:
    """The referee's end of the pipe.  Raises Gone, Garbled and Undecided, and the candidate's exceptions by their names."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._lock = threading.Lock()
        self.asked = 0
        self.fault: BaseException | None = None  # what makes a verdict impossible, however the tests went on
        self.error: BaseException | None = None  # the candidate's last exception, as it was raised here
        self.error_name = ""

    def ask(self, operation: str, *arguments: Any, **keywords: Any) -> Any:
        """Return what the candidate answers."""
        with self._lock:
            if self.fault is not None:
                raise self.fault
            self.asked += 1
            try:
                send(self._writing, [self.asked, operation, self._encoded(list(arguments)), self._encoded(keywords)])
                return self.reply(arguments)
            except Unsendable:
                self.undecide("needs_objects")
            except (Gone, Garbled) as error:
                self.fault = error
                raise

    def reply(self, arguments: tuple[Any, ...] = ()) -> Any:
        """Return what the candidate says next: to the last question, or that it has loaded its code."""
        match receive(self._reading):
            case [self.asked, "value", wire]:
                return decode(wire, self._resolved)
            case [self.asked, "mutated", wire]:
                self._mutate(arguments, decode(wire, self._resolved))
                return None
            case [self.asked, "raised", str(name), str(message)]:
                self._raise(name, message)
            case [self.asked, "unsendable"]:
                self.undecide("result_too_large")
        raise Garbled

    def undecide(self, reason: str) -> NoReturn:
        """Give up the verdict."""
        self.fault = self.fault or Undecided(reason)
        raise self.fault

    def _encoded(self, value: Any) -> Any:
        return encode(value, self._referred)

    def _referred(self, value: Any, depth: int) -> Any:
        if type(value) is Remote:
            return _reference(value)
        raise Unsendable

    def _resolved(self, reference: list[Any]) -> "Remote":
        match reference:
            case ["object", int(number)]:
                return Remote(self, ["object", number])
        raise Garbled

    def _mutate(self, arguments: tuple[Any, ...], changed: Any) -> None:
        """Give lists and the like, which the candidate got as copies, the contents that they have there."""
        if type(changed) is not list or [type(one) for one in changed] != [type(one) for one in arguments if type(one) in _MUTABLE]:
            raise Garbled
        for mine, theirs in zip((one for one in arguments if type(one) in _MUTABLE), changed, strict=True):
            if type(mine) is list or type(mine) is bytearray:
                mine[:] = theirs
            else:
                mine.clear()
                mine.update(theirs)

    def _raise(self, name: str, message: str) -> NoReturn:
        kind = getattr(builtins, name, None)
        self.error_name = name[:MESSAGE_CHARS]
        self.error = Raised(name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                self.error = kind(message)
            except TypeError:  # an exception that wants more than a message
                self.error = Raised(name)
        raise self.error


class Remote:
    """An object of the candidate's."""

    __slots__ = ("__link", "__reference")  # mangled: the object may have attributes of these names

    def __init__(self, link: Link, reference: list[Any]) -> None:
        object.__setattr__(self, "_Remote__link", link)
        object.__setattr__(self, "_Remote__reference", reference)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__doc__"):
            _refused(self)
        return _link(self).ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _link(self).ask("setattr", self, name, value)


def _link(remote: Remote) -> Link:
    link: Link = object.__getattribute__(remote, "_Remote__link")
    return link


def _reference(remote: Remote) -> list[Any]:
    reference: list[Any] = object.__getattribute__(remote, "_Remote__reference")
    return reference


def _refused(remote: Remote, *_: Any) -> NoReturn:
    _link(remote).undecide("needs_objects")


def _asking(operation: str) -> Callable[..., Any]:
    def method(remote: Remote, *arguments: Any, **keywords: Any) -> Any:
        return _link(remote).ask(operation, remote, *arguments, **keywords)

    return method


for _name in "call iter next len bool int float str repr getitem".split():
    setattr(Remote, f"__{_name}__", _asking(_name))
for _name in (
    "hash eq ne lt le gt ge contains instancecheck enter exit neg abs invert index round "
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor matmul rmatmul"
).split():
    setattr(Remote, f"__{_name}__", _refused)
