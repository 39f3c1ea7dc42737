"""The programs that a response may mean, best guess first: its last code block, that with the blocks before, its text as code."""

import re
import textwrap
from collections.abc import Sequence

MAX_SOURCE_BYTES = 64 << 10  # Codeforces' limit on a submission
MAX_BLOCKS = 8  # from the last backwards; a response with more shows a session, not a solution
MAX_CONTEXTS = 4

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w+.#-]*)[^\n]*")
_PYTHON = frozenset(("python", "py", "python3", "py3", "python2", ""))
_FUNCTION = re.compile(r"^(?:async\s+)?def\s", re.MULTILINE)


def code_blocks(text: str) -> list[str]:
    """Return the fenced blocks of Python in order: those marked as such, or where none is, those with no mark.

    A block that never closes ends with the text.
    """
    marked: list[str] = []
    plain: list[str] = []
    lines: list[str] = []
    opened: re.Match[str] | None = None
    for line in [*text.split("\n"), None]:
        fence = _FENCE.fullmatch(line) if line is not None else None
        if opened is None:
            opened, lines = fence, []
        elif line is None or (fence and fence[2].startswith(opened[2]) and not fence[3]):
            language = opened[3].casefold()
            if language in _PYTHON:
                (marked if language else plain).append(textwrap.dedent("\n".join(lines)) if opened[1] else "\n".join(lines))
            opened = None
        else:
            lines.append(line)
    return [block for block in marked or plain if block.strip()]


def contexts_of(question: str) -> list[str]:
    """Return the texts in a question that code may continue: the whole of it, or its blocks of code, if they define a function."""
    return [text for text in (question, *code_blocks(question)) if _FUNCTION.search(text)][:MAX_CONTEXTS]


def sources_of(section: str, contexts: Sequence[str]) -> list[list[str]]:
    """Return groups of versions of one program each, as `filters.sandbox.run.run_tests` takes them; none where there is no text."""
    if not section.strip():
        return []
    blocks = code_blocks(section)[-MAX_BLOCKS:]
    whole = "\n\n".join(blocks)
    groups = [[blocks[last], "\n\n".join(blocks[: last + 1]), whole] for last in reversed(range(len(blocks)))]
    groups += [[whole], [section]]
    for context in contexts:
        groups += [[context + body] for code in (reversed(blocks) if blocks else (section,)) for body in _bodies(code)]
    return [
        [source for source in dict.fromkeys(group) if _is_short(source)] for group in groups if group[0] and _is_short(group[0])
    ]


def _is_short(source: str) -> bool:
    return len(source.encode("utf-8", "replace")) <= MAX_SOURCE_BYTES


def _bodies(code: str) -> list[str]:
    """Return a function's body as it may continue its header: as it is, indented, or up to where the model went on to others."""
    lines = code.strip("\n").split("\n")
    if lines[0][:1].isspace():
        end = next((number for number, line in enumerate(lines) if line.strip() and not line[0].isspace()), len(lines))
        return ["\n" + "\n".join(lines), "\n" + "\n".join(lines[:end])]
    first = "\n    " + "\n".join(lines)  # its first line lost its spaces
    return [first, "\n" + textwrap.indent("\n".join(lines), "    ")]
