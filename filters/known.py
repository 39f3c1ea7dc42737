"""What is known of a word, of the next characters of a text or of a pattern, worked out when it is asked for and remembered."""

from collections.abc import Callable
from typing import TypeVar

MAX_KNOWN = 1 << 15  # keys that are remembered, some megabytes

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Known(dict[_Key, _Value]):
    """Values by keys; when there are MAX_KNOWN, all are forgotten."""

    def __init__(self, made: Callable[[_Key], _Value]) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, key: _Key) -> _Value:
        value = self._made(key)
        self.put(key, value)
        return value

    def put(self, key: _Key, value: _Value) -> None:
        """Remember a value."""
        if len(self) >= MAX_KNOWN:
            self.clear()
        self[key] = value
