r"""Static limits of a text, looked at before anything parses it: no algebra system is given what is built to hang it.

The figures are those of inspect_ai's safe mathematics grader; the longest of MATH-500's golds has 53 characters.
"""

import dataclasses
import re

MAX_CHARS = 4096
MAX_NESTING = 64
MAX_COMMANDS = 256
MAX_OPERATORS = 1024
MAX_DIGIT_RUN = 256
MAX_DIGITS = 2048
MAX_CELLS = 256  # of all matrices together

_COMMAND = re.compile(r"\\[A-Za-z]++")
_OPERATOR = re.compile(r"[-+*/^_=<>!|]|\\(?:cdot|times|div|pm|mp|le|ge|ne|leq|geq|neq|in|cup|cap)(?![A-Za-z])")
_DIGIT_RUN = re.compile(r"[0-9]++")
_CELL = re.compile(r"&|\\\\")
# What latex2sympy2 computes while it still parses, in time that grows with the third power of a matrix or worse.
_EAGER = re.compile(
    r"(?<![A-Za-z])(?:det|gcd|lcm|eig(?:en)?(?:val|vec|vect)?(?:ue|tor)?s?|diagonalize|svd|rank|tr|trace|rref|nullspace|norm|eye"
    r"|zeros|ones|cols|rows|diag|hstack|vstack|ortho?(?:gonal(?:ize)?)?|vmatrix)(?![A-Za-z])",
    re.IGNORECASE,
)
_PART = re.compile(r"\\[A-Za-z]++|\\.|[0-9]++|\*\*|[^\s\\]", re.DOTALL)
_OPENERS, _CLOSERS = frozenset("([{"), frozenset(")]}")


def refused(text: str) -> str | None:
    """Return the limit that a text breaks, as a short code, None where it keeps all.  Linear in the text, and bounded."""
    if len(text) > MAX_CHARS:
        return "too_long"
    runs = [len(run) for run in _DIGIT_RUN.findall(text)]
    if max(runs, default=0) > MAX_DIGIT_RUN:
        return "digit_run_too_long"
    if sum(runs) > MAX_DIGITS:
        return "too_many_digits"
    if len(_COMMAND.findall(text)) > MAX_COMMANDS:
        return "too_many_commands"
    if len(_OPERATOR.findall(text)) > MAX_OPERATORS:
        return "too_many_operators"
    if len(_CELL.findall(text)) >= MAX_CELLS:
        return "matrix_too_large"
    if _EAGER.search(text):
        return "eager_function"
    return _refused_structure(text)


def _refused_structure(text: str) -> str | None:
    """Look at the brackets: how deep they go, and whether a number is raised to a power that is a power: 9^{9^{9}}, 9^9^9."""
    frames = [_Frame(in_exponent=False)]
    before, raised, was_power = "", False, False  # what stood before; whether it is raised now; whether it was itself a power
    for part in _PART.findall(text):
        frame = frames[-1]
        if part[-1] in _OPENERS:
            frames.append(_Frame(in_exponent=frame.in_exponent or raised, is_power=raised))
            if len(frames) > MAX_NESTING + 1:
                return "nested_too_deeply"
            before, raised, was_power = "", False, False
        elif part[-1] in _CLOSERS:
            before, raised, was_power = "letter" if frame.has_letter else "number", False, frame.is_power
            if len(frames) > 1:
                frames.pop()
                frames[-1].has_letter |= frame.has_letter
        elif part in ("^", "**"):
            if was_power or (frame.in_exponent and before == "number"):
                return "nested_exponents"
            raised = True
        elif part in "+-" and raised:
            continue
        elif part == "!" and before:
            if before == "!":
                return "nested_exponents"
            before = "!"
        else:
            before = "letter" if part[-1].isalpha() else "number" if part.isdigit() else ""
            frame.has_letter |= before == "letter"
            raised, was_power = False, raised
    return None


@dataclasses.dataclass(slots=True)
class _Frame:
    """An open bracket."""

    in_exponent: bool
    is_power: bool = False  # the bracket itself is an exponent
    has_letter: bool = False
