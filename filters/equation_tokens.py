r"""The tokens of equations in running text: numbers, words, signs, brackets, LaTeX commands."""

import re
from collections.abc import Sequence

_GOES_ON = r"(?!\s{0,8}&?\s{0,8}(?:=|≈|\\approx))"  # an equation goes on in the next line
# One group a kind, in the order of `KINDS`.  Every repetition is possessive or bounded, so that time is linear.
TOKEN = re.compile(
    r"[ \t$&]{0,32}+(?:"
    r"((?:(?<=\d)(?:-(?=[A-Za-z]{3})|/(?=[A-Za-z]{2})))?[A-Za-z]++(?:[ '’/-]{1,2}(?=[A-Za-z])[A-Za-z]++)*+|[\u4e00-\u9fff]++)"
    r"|(\d{1,4} \d{1,2}/\d{1,3}(?![\d/.])|\d{1,2}:[0-5]\d(?!\d)|\d{1,3}, \d{3}(?!\d| ?[-+*/=])"
    r"|\d{1,3}(?:(?:,|\{,\}|,\\!)\d{3}){1,40}+(?!,?\d)(?:\.\d++)?|\d++(?:\.\d++)?|\.\d++)"
    r"|([-+/]|\*(?!\*)|\^(?!\s?\{?\\circ|(?<=[A-Za-z]\^)\{?[23]\}?(?!\d))|(?<=[\d)])\*\*(?=[\d(]))"
    r"|([<>!=]=++|=>|= ?~(?= ?\$?\d)|[=≈<>≤≥≠≡])"
    r"|([.?;:,\"“”，。、]|\n" + _GOES_ON + r"|\\\\" + _GOES_ON + r"|\\[\[\]]|\\(?:begin|end)\s?\{[^{}\n]{0,20}\})"
    r"|([({\[])|([)}\]])"
    r"|(\\?%|[²³]|!(?=\s{0,3}(?:[-+*/^=)}$&]|\\[a-z,)\]])))|(!)"
    r"|\\(?:text|textbf|textit|mathrm|mbox|mathbf)\s?\{\s{0,4}([^{}\n]{0,60})\}(?:\^\{?[23]\}?)?"
    r"|(\\[A-Za-z]++|\\[\\,;:! ()]|\*\*|\^\s?\{?(?:\\circ|[23])\}?)"
    r"|(#++|[^\s$&~°]))"
)
KINDS = ("words", "number", "operator", "relation", "stop", "opening", "closing", "postfix", "stop", "group", "command", "other")

COMMANDS = {
    "\\times": "*", "\\cdot": "*", "\\ast": "*", "\\div": "/", "\\frac": "frac", "\\dfrac": "frac", "\\tfrac": "frac",
    "\\cfrac": "frac", "\\sqrt": "sqrt", "\\binom": "binom", "\\dbinom": "binom", "\\approx": "≈", "\\simeq": "≈",
}  # fmt: skip
IGNORED = frozenset(
    "\\left \\right \\displaystyle \\boxed \\fbox \\big \\Big \\bigl \\bigr \\Bigl \\Bigr \\limits \\nonumber".split()
)
STOPS = frozenset(
    "\\quad \\qquad \\implies \\Rightarrow \\rightarrow \\Longrightarrow \\longrightarrow \\therefore \\iff \\Leftrightarrow \\to "
    "\\item \\lt \\gt \\le \\ge \\leq \\geq \\neq \\ne \\because \\hline".split()
)
MAX_RUN = 256  # of digits, inspect_ai's static limit
SIGNS = frozenset(("+", "-", "*", "/", "^", "of"))
POWERS = {"²": "^2", "³": "^3"}

# What may follow words that stand for an operator: a number, perhaps with its currency, a bracket or a fraction.
OPERAND_AHEAD = re.compile(r"[\s$€£¥]{0,80}+(?:\\[$(]|\$)?\s?(-?)\s?\$?(?:\.?\d|\(|\\[dt]?frac|\\sqrt)")
AND_PART = re.compile(r"and \d{1,3}/\d{1,3}(?!\d)")  # behind a whole number: 1 and 1/4


def is_bare(tokens: Sequence[str]) -> bool:
    """Say whether the tokens are one number: 5, -5, (5), 20%."""
    rest = [token for token in tokens if token not in ("(", ")")]
    rest = rest[1:] if rest and rest[0] in ("+", "-") else rest
    return len(rest) == 1 or (len(rest) == 2 and rest[1] == "%")


def is_part(tokens: Sequence[str]) -> bool:
    """Say whether the tokens are a proper fraction: 1/2."""
    top, bottom = tokens[0], tokens[-1]
    return len(tokens) == 3 and tokens[1] == "/" and top.isdecimal() and bottom.isdecimal() and int(top) < int(bottom)


def number_of_token(token: str) -> str | None:
    """Return a number token as a literal, None for a clock's time, 1, 000, 3 5/2 and what has over `MAX_RUN` characters."""
    if len(token) > MAX_RUN or ":" in token or ", " in token:
        return None
    if " " in token:
        top, _, bottom = token.partition(" ")[2].partition("/")
        return token if int(top) < int(bottom) else None
    return token.replace("{,}", ",").replace("\\!", "")


def ends_split(text: str, start: int) -> bool:
    """Say whether a number may be the end of one split in two: the 400 of "14, 400"."""
    before = text[max(0, start - 3) : start]
    return before[1:] == ", " and before[0].isdigit()


def breaks_number(text: str, start: int, end: int) -> bool:
    r"""Say whether a stop stands inside a number: 13,2000 or 0.\overline{6}."""
    if text[start:end] == "." and text[end : end + 1] == "\\":
        return True
    return text[start:end] == "," and text[start - 1 : start].isdigit() and text[end : end + 1].isdigit()
