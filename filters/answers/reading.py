r"""From the text of an answer to its typed value: a quantity, an expression, a collection, a relation, a matrix or words."""

import functools
import re
from typing import NamedTuple

from filters.answers.arithmetic import Unreadable
from filters.answers.expression import Expr, Num, Op, Sym, has, with_sign
from filters.answers.grammar import parse
from filters.answers.parts import Based, Binary, Bracket, Listed, Matrix, Part, Worded
from filters.answers.quantity import Quantity, read_quantity
from filters.answers.tokens import tokenize
from filters.answers.units import read_unit
from filters.extraction import MAX_ANSWER_CHARS
from filters.normalization import nfkc

MAX_WORDS = 12  # of an answer in words; the longest option of CommonsenseQA has 6, and prose is not compared

# Golds that stand for no answer in public data sets: they must never be compared with.
SENTINELS = frozenset(
    "proof|not found|n/a|na|none|null|nan|unknown|no answer|see solution|see proof|proven|qed|tbd|todo"
    "|not available|omitted|无|略|证明|证明略|见解析|见答案|答案略|答案见解析|未找到|无答案".split("|")
)

_GROUP = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|boxed|fbox|operatorname)\s?\{([^{}]*)\}")
_SPACES = re.compile(r"(?:\s|\\[,;:! ]|\\q?quad(?![A-Za-z])|~|\\(?:left|right|displaystyle)(?![A-Za-z]))+")
_GAP = re.compile(r"(?<=[0-9])(?:\s|\\[,;:! ]|\\q?quad(?![A-Za-z])|~)+(?=[0-9])")
_MARKS = re.compile(r"\\[()\[\]]|[$*`]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BRACES = re.compile(r"[{}]")
_DOTS = re.compile(r"\.\.|…|\\[lc]?dots")
_WORDLIKE = re.compile(r"[^\W\d_]")
_APPROXIMATE = re.compile(
    r"\s*\$?\s*(?:≈|~|\\approx|\\sim|(?:approximately|about|roughly|around|nearly|大约|约|近似)\b)", re.IGNORECASE
)
_FORMULA = re.compile(r"[\\=<>+*/^_|≤≥≠≡]")
_UNIT_IN_BRACKETS = re.compile(r"(?P<value>.*\S)\s?\((?:in\s)?(?P<unit>[^()0-9]{1,40})\)\.?", re.DOTALL)
_ARTICLE = re.compile(r"(?:the|an?)\s(?=\S)")


class Reading(NamedTuple):
    """An answer as read.  Exactly one of `quantity`, `part` and `words` is there, or none where only the text can be compared."""

    text: str  # without what only sets it: equal texts are equal answers
    quantity: Quantity | None = None
    part: Part | None = None
    words: str | None = None


@functools.lru_cache(maxsize=4096)  # golds repeat for every sample of a problem, and samples share few answers
def read_answer(text: str) -> Reading | None:
    """Return what a text is as an answer, None where it is empty, too long, or only near to a value."""
    if len(text) > MAX_ANSWER_CHARS or _APPROXIMATE.match(text):
        return None
    if text.endswith("\\") and not text.endswith("\\\\"):  # what is left of "\ " at the end
        text = text[:-1]
    match = _UNIT_IN_BRACKETS.fullmatch(text)
    if match is not None and read_unit(match["unit"]) is not None:
        text = f"{match['value']} {match['unit']}"
    quantity = read_quantity(text)
    plain = text if quantity is not None and text.isalnum() else plain_text(text)
    if not plain:
        return None
    if quantity is not None:
        return Reading(plain, quantity=quantity)
    part = _part(text)
    if part is not None:
        return Reading(plain, part=part)
    return Reading(plain, words=_words(text)) if _is_balanced(text) else None


def _is_balanced(text: str) -> bool:
    """Say whether every brace, environment and \\left that is opened is closed."""
    braces = [match[0] for match in _BRACE.finditer(text)]
    depth = 0
    for brace in braces:
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    pairs = (("\\begin{", "\\end{"), ("\\left", "\\right"))
    return depth == 0 and all(text.count(opening) == text.count(closing) for opening, closing in pairs)


def plain_text(text: str) -> str:
    """Return the text without spaces, fonts and delimiters, the identity of last resort.  1 2 is not 12."""
    text = nfkc(text).replace("\u2212", "-").strip().removesuffix(".").removesuffix("。")
    text = _GAP.sub("\0", text)
    return _MARKS.sub("", _SPACES.sub("", _GROUP.sub(r"\1", text)))


def _part(text: str) -> Part | None:
    if _DOTS.search(text):  # a list that goes on is equal only to itself
        return None
    text = text.strip().rstrip(".,;。，；．").removeprefix("**").removesuffix("**").strip("`")
    tokens = tokenize(text)
    if not tokens or all(token.kind == "word" or token.text in ",.;:!%" for token in tokens):
        return None  # a short word is no product: "tea" is not "eat"
    try:
        return expanded(parse(tokens))
    except (Unreadable, RecursionError):
        return None


def expanded(part: Part) -> Part:
    """Return the part with every ± as two values.  Raises Unreadable where there are too many."""
    if isinstance(part, Bracket | Listed):
        items: list[Part] = []
        for one in part.items:
            item = expanded(one)
            if isinstance(item, Listed) and isinstance(part, Bracket) and part.left == "(":
                return _both(part)
            items += item.items if isinstance(item, Listed) else [item]
        return part._replace(items=tuple(items))
    if isinstance(part, Binary):
        right = expanded(part.right)
        if isinstance(right, Listed) and part.op == "=":
            return Listed(tuple(Binary("=", part.left, one) for one in right.items))
        return part
    if isinstance(part, Worded):
        values = _signed(part.expression)
        return Listed(tuple(Worded(value, part.words) for value in values)) if len(values) > 1 else part
    if isinstance(part, Matrix | Based):
        return part
    values = _signed(part)
    return Listed(tuple(values)) if len(values) > 1 else part


def _both(part: Bracket) -> Listed:
    """Return (0, ±3) as the two points (0, 3) and (0, −3).  Raises Unreadable where an item is no expression."""
    items = [one for one in part.items if isinstance(one, Num | Sym | Op)]
    if len(items) != len(part.items):
        raise Unreadable("± between more than expressions")
    return Listed(tuple(part._replace(items=tuple(with_sign(one, plus) for one in items)) for plus in (True, False)))


def _signed(expression: Expr) -> list[Expr]:
    return [with_sign(expression, True), with_sign(expression, False)] if has(expression, "pm", "mp") else [expression]


def _words(text: str) -> str | None:
    """Return an answer in words in the form in which they are compared, None where it has none or is prose."""
    text = _SPACES.sub(" ", _BRACES.sub("", _MARKS.sub("", _GROUP.sub(r"\1", nfkc(text))))).strip(" .\"'“”。,!").casefold()
    text = _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text
    return text if _WORDLIKE.search(text) and len(text.split()) <= MAX_WORDS and not _FORMULA.search(text) else None


def is_sentinel(gold: str) -> bool:
    """Say whether a gold stands for the absence of an answer: "proof", "not found", 略."""
    return _SPACES.sub(" ", _MARKS.sub("", _GROUP.sub(r"\1", gold))).strip(" .()[]<>。").casefold() in SENTINELS
