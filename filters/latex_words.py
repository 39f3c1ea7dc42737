r"""Questions as they are compared with a benchmark's: what LaTeX, Unicode, Markdown and HTML write in several ways, in one of them.

\frac12, \dfrac{1}{2} and ½ are 1/2; 1{,}000, 1,000 and 1 000 are 1000; − is -, \cdot and × are *, and 3 * x is 3x; sizes, spaces,
fonts, diagrams, tags, bullets, emphasis and invisible characters go.
Nothing is evaluated: 0.5 stays 0.5, and a square root a square root.  Time is linear in the text.
"""

import html
import re
from typing import NamedTuple

from filters.answers.numerals import WORDS as NUMBER_WORDS
from filters.normalization import normalized

MASK = "0"  # the word in the place of a number


class Spelled(NamedTuple):
    """A text as two texts of as many words: with its numbers, and with each number replaced by MASK."""

    exact: str
    masked: str


_SIGNS = str.maketrans(
    {
        **dict.fromkeys("−–‐‑", "-"),
        **dict.fromkeys("×·⋅∙", " * "),
        **dict.fromkeys("÷⁄∕", "/"),
        **{sign: f"^{power}" for power, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
        **dict.fromkeys(
            [0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
        ),  # invisible
        "½": " 1/2",
        "⅓": " 1/3",
        "⅔": " 2/3",
        "¼": " 1/4",
        "¾": " 3/4",
        "—": " ",
        "√": " sqrt ",
        "∞": " infty ",
        "°": " degrees ",
        "≤": " le ",
        "≥": " ge ",
        "≠": " ne ",
        "π": " pi ",
        "θ": " theta ",
    }
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}[0-9]{0,2});")
# Tags of texts alone, with attributes only where these have values: a < b and c > d is none.
_TAG = re.compile(
    r"</?(?:a|b|big|blockquote|br|center|code|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|kbd|li|mark|ol|p|pre|s|section|small|span|strong|sub"
    r"|(sup)|table|tbody|td|th|thead|tr|tt|u|ul|var)(?:\s[^<>=]{0,80}=[^<>]{0,400})?\s?/?>",
    re.IGNORECASE,
)
# A star between two that could be multiplied, or alone between spaces; any other is emphasis.
_STARS = re.compile(r"((?<=[\w)\]}])\*{1,2}(?=[\w(\[{\\])|(?<= )\*{1,2}(?= ))|\*+")
_LIST_NUMBER = re.compile(r"(?:^|(?<=[.?!] ))[0-9]{1,2}[.)] ")
_SPACED_THOUSANDS = re.compile(r"(?<![0-9.,])(?<![0-9.,] )[1-9][0-9]{0,2}(?: [0-9]{3}){1,4}(?![.,]?[0-9])(?! [0-9])")
_DIAGRAM = re.compile(r"\[asy\](?:[^\[]|\[(?!/?asy\]))*+\[/asy\]")
_THOUSANDS = re.compile(r"(?<=[0-9])(?:,\\!|\{,\}|\\[,!;:]|,)(?=[0-9]{3}(?![0-9]))")
_DEGREES = re.compile(r"\^ ?(?:\{ ?)?\\circ\b(?: ?\})?")
_ENVIRONMENT = re.compile(r"\\(?:begin|end) ?\{[a-zA-Z*]{1,40}\}(?:\{[clr|]{1,40}\})?")
_COMMAND = re.compile(r"\\(?:[a-zA-Z]+|.)")
_FRACTION = "\\frac "
_COMMANDS = {
    **dict.fromkeys(("\\frac", "\\dfrac", "\\tfrac", "\\cfrac"), _FRACTION),
    **dict.fromkeys(("\\cdot", "\\times", "\\ast"), " * "),
    "\\div": "/",
    "\\leq": " le ",
    "\\leqslant": " le ",
    "\\geq": " ge ",
    "\\geqslant": " ge ",
    "\\neq": " ne ",
    "\\degree": " degrees ",
    "\\{": " ",
    "\\}": " ",  # braces that are shown are no arguments
    **dict.fromkeys(
        "\\left \\right \\middle \\big \\Big \\bigg \\Bigg \\bigl \\bigr \\Bigl \\Bigr \\biggl \\biggr \\limits \\nolimits "
        "\\displaystyle \\textstyle \\scriptstyle \\quad \\qquad \\hspace \\hfill \\dots \\ldots \\cdots \\dotsc \\dotsb "
        "\\text \\textbf \\textit \\textrm \\texttt \\textup \\emph \\underline \\mbox \\hbox "
        "\\mathrm \\mathbf \\mathit \\mathbb \\mathcal "
        "\\mathsf \\boldsymbol \\bm \\operatorname \\rm \\bf \\it".split(),
        " ",
    ),
}
_SHORT_FRACTION = re.compile(r"\\frac *+(?:([0-9a-zA-Z]) ?(?=[0-9a-zA-Z{])|\{([^{}]*)\} ?(?=[0-9a-zA-Z]))")  # \frac12, \frac{a}2
_BETWEEN_ARGUMENTS = re.compile(r"\} ?\{")
_BRACKETS = str.maketrans(dict.fromkeys("{}()[]$`", " "))


def written_plainly(text: str) -> str:
    """Return the text in one way of writing, white space as single spaces."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if "<" in text:
        text = _TAG.sub(lambda found: "^" if found[1] and found[0][1] != "/" else " ", text)
    if not text.isascii():
        text = normalized("NFKC", text.translate(_SIGNS))
    text = " ".join(text.split())
    if "*" in text:
        text = _STARS.sub(lambda found: {"*": "*", "**": "^"}.get(found[1], ""), text)
    text = _SPACED_THOUSANDS.sub(lambda found: found[0].replace(" ", ""), _LIST_NUMBER.sub("", text))
    if "[asy]" in text:
        text = _DIAGRAM.sub(" ", text)
    if "," in text or "\\" in text:
        text = _THOUSANDS.sub("", text)
    if "\\" in text:
        text = _DEGREES.sub(" degrees ", text)
        text = _ENVIRONMENT.sub(" ", text)
        text = _COMMAND.sub(_of_command, text)
        text = _SHORT_FRACTION.sub(r" \1\2/", text).replace(_FRACTION, " ")
        text = _BETWEEN_ARGUMENTS.sub("}/{", text)
    return " ".join(text.translate(_BRACKETS).split())


def _of_command(found: re.Match[str]) -> str:
    name = found[0]
    return _COMMANDS.get(name) or (f" {name[1:]} " if name[1].isalpha() else " ")


# A number with the operator before it, since 2 + 3 is not 2 - 3; a letter that has one, since x + y is not x - y.
_OPERAND = re.compile(r"([-+*/^]) ?([0-9]+(?:\.[0-9]+)?|[a-zA-Z](?![a-zA-Z]))|([0-9]+(?:\.[0-9]+)?)")
_OPERATORS = {"-": "minus", "+": "plus", "*": "times", "/": "over", "^": "to", None: ""}
_PROSE_SIGNS = "-+*"  # they are bullets, dashes and emphasis too
_LAST_WORD = re.compile(r"[^\W_]+\Z")
# Words that can be subtracted from, beside single letters and numbers.
_NAMES = frozenset(
    "alpha beta gamma delta epsilon theta lambda mu pi rho sigma tau phi omega infty degrees le ge ne".split()
).union(NUMBER_WORDS) - {"one"}  # which is a pronoun too


def spelled(text: str) -> Spelled:
    """Return a text's words with numbers as one word each."""
    pieces = _OPERAND.split(written_plainly(text))
    exact, masked = [pieces[0]], [pieces[0]]
    for place in range(1, len(pieces), 4):
        operator, operand, number, between = pieces[place : place + 4]
        word = operand or number
        if operator and operator in _PROSE_SIGNS and not _calls_for_operator(pieces[place - 1], place > 1):
            operator = None
        if word.isalpha():
            masked += (word, between)
            operator = None if operator == "*" else operator  # 3 * x is 3x
        else:
            masked += (MASK, between)
            word = word.rstrip("0").rstrip(".").replace(".", "point") if "." in word else word
        exact += (_OPERATORS[operator] + word, between)
    return Spelled(" ".join(exact), " ".join(masked))


def _calls_for_operator(before: str, after_operand: bool) -> bool:
    """Return whether a sign behind these words is one of arithmetic, where they may follow an operand."""
    end = before[-16:].rstrip().lower()  # no name is longer
    if not end:
        return after_operand
    word = _LAST_WORD.search(end)
    return len(word[0]) == 1 or word[0] in _NAMES if word else end[-1] in "=<>,%!|'"
