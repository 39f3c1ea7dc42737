"""Finds the part of a response that commits to an answer."""

import re

AFTER = re.compile(r"\banswer(?:\s+is\b\s*:?|\s*:)", re.IGNORECASE)


def committed(response: str, several_lines: bool = False) -> str:
    """Return the last `<answer>…</answer>`, else what follows the last "answer is" or "Answer:", else the last
    `\\boxed{…}`, else the whole response; stripped.

    What follows ends with its line, unless that line is empty or `several_lines` is wanted.  Linear in the length.
    """
    tagged = _tagged(response)
    if tagged is not None:
        return tagged.strip()
    ends = [match.end() for match in AFTER.finditer(response)]
    text = response
    if ends:
        text = response[ends[-1] :].lstrip(" \t*")
        first = text.split("\n", 1)[0].strip()
        text = first if first and not several_lines else text
    boxed = _boxed(text)
    return (text if boxed is None else boxed).strip()


def _tagged(response: str) -> str | None:
    end = response.rfind("</answer>")
    start = response.rfind("<answer>", 0, max(end, 0))
    return response[start + len("<answer>") : end] if 0 <= start < end else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for index in range(start + len("\\boxed"), len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start + len("\\boxed{") : index]
    return None
