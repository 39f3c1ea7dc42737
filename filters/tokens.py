r"""How long a text is, in tokens of a tokenizer that has a name.

`words_v1` needs no file: a token is a run of letters, up to three digits, one Chinese, Japanese or Korean character, or one other
character that is no white space.  Beside Mistral's Tekken (240911; byte pairs, 131 thousand, each digit a token) it counts .97 on
1,000 long chains of MATH-500, 1.06 on MATH-500's solutions, and .76 on GSM8K's with their many numbers (measured).

Any other tokenizer is a `tokenizer.json` of the library tokenizers (Hugging Face); its name holds a hash of the file, so that what
was counted with another one is known to be stale.
"""

import dataclasses
import functools
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import fsspec

from schemas.errors import UserError

WORDS = "words_v1"

MAX_FILE_BYTES = 64 << 20  # twice the largest of a public model known to us, Gemma 3's of 33 MB
BATCH_TEXTS = 64  # encoded at once: the library holds some 100 bytes a token
HASH_DIGITS = 12  # of a file's SHA-256 in its tokenizer's name

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WIDE = re.compile(rf"([{_CJK}]+)|[^\x00-\x7f{_CJK}]+")


def _kind(character: str) -> str:
    """Return an ASCII character of the same kind: "a" for a letter, "0" for a digit, " " for white space, "." for all else."""
    return " " if character.isspace() else "0" if character.isdecimal() else "a" if character.isalnum() else "."


class _Kinds(dict[str, str]):
    """The kinds of the characters that were seen."""

    def __missing__(self, character: str) -> str:
        return self.setdefault(character, _kind(character))


_KINDS = _Kinds()
_ASCII_KINDS = "".join(_kind(chr(code)) for code in range(128)).encode().ljust(256)


@dataclasses.dataclass(frozen=True)
class Tokenizer:
    """A tokenizer by its name; it travels to workers as its path."""

    name: str  # "words_v1", or the file's folder and hash: "qwen3@3fa9c1d20b7e"
    path: str | None = None  # of a tokenizer.json

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, without those that a model adds around it.  Raises UserError."""
        if self.path is None:
            return [_words(text) for text in texts]
        loaded, counts = _loaded(self.path, self.name), []
        for start in range(0, len(texts), BATCH_TEXTS):
            batch = loaded.encode_batch_fast(list(texts[start : start + BATCH_TEXTS]), add_special_tokens=False)
            counts += [len(encoded) for encoded in batch]
        return counts


def tokenizer(given: str) -> Tokenizer:
    """Return the tokenizer of a name or of the path or URL of a tokenizer.json.  Raises UserError."""
    if given == WORDS:
        return Tokenizer(WORDS)
    if not given.endswith(".json"):
        raise UserError(f"[annotate] tokenizer = {given!r} is neither {WORDS!r} nor a tokenizer.json; name one of them")
    folder, _, file = given.rpartition("/")
    name = folder.rpartition("/")[2] if file == "tokenizer.json" and folder else file.removesuffix(".json")
    found = Tokenizer(f"{name}@{hashlib.sha256(_read(given)).hexdigest()[:HASH_DIGITS]}", given)
    _loaded(given, found.name)
    return found


def _words(text: str) -> int:
    """Return the tokens of a text by `words_v1`.  Counting in bytes takes a tenth of the time of a pattern that finds tokens."""
    if not text.isascii():
        text = _WIDE.sub(lambda run: "." * len(run[1]) if run[1] else "".join(map(_KINDS.__getitem__, run[0])), text)
    kinds = text.encode("ascii").translate(_ASCII_KINDS).replace(b"000", b".")  # three digits are one token, as a sign is
    letters = kinds.startswith(b"a") + kinds.count(b" a") + kinds.count(b".a") + kinds.count(b"0a")
    return letters + kinds.count(b"0") - kinds.count(b"00") + kinds.count(b".")


def _read(path: str) -> bytes:
    try:
        with fsspec.open(path, "rb", compression=None) as file:
            data: bytes = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ImportError, ValueError) as error:
        raise UserError(
            f"[annotate] tokenizer = {path!r}: cannot be read: {error}; give a path or URL of a tokenizer.json"
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise UserError(
            f"[annotate] tokenizer = {path!r}: over {MAX_FILE_BYTES} bytes, which no tokenizer.json has; name another file"
        )
    return data


@functools.lru_cache(maxsize=2)
def _loaded(path: str, name: str) -> Any:
    """Return the library's tokenizer of a file that still is the one that was named; once a process."""
    try:
        import tokenizers
    except ImportError:
        raise UserError(
            f"[annotate] tokenizer = {path!r} needs the library tokenizers, which is not installed: "
            f'pip install "starbeam[tokenizers]", or take {WORDS!r}'
        ) from None
    data = _read(path)
    if not name.endswith("@" + hashlib.sha256(data).hexdigest()[:HASH_DIGITS]):
        raise UserError(f"[annotate] tokenizer = {path!r}: the file has changed while it was in use; run the command again")
    try:
        loaded = tokenizers.Tokenizer.from_buffer(data)
    except Exception as error:  # the library raises no other
        said = " ".join(str(error).split())
        raise UserError(f"[annotate] tokenizer = {path!r}: is no tokenizer.json: {said[:200]}; name another file") from error
    loaded.no_truncation()
    loaded.no_padding()
    return loaded
