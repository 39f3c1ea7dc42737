"""Signals of reflection that no words give: what a sentence's numbers and questions say of the sentences before it.

restated   a computation that comes out at a value which was already known from elsewhere: verification
gathered   values that were found in different sentences, side by side, nothing computed: summary
revised    another value for a quantity of the same name, soon behind the first: self_correction
doubted    a question about the result just reached: hesitation
answered   such a question without a word of doubt, and a statement right behind it: self_correction
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.sentences import HIDDEN, Span
from schemas.annotation import Label

MAX_QUESTION_CHARS = 120  # a longer question is one of the problem's kind
MAX_GATHERED_CHARS = 160
GATHERED = 3  # values at least
MAX_APART = 4  # sentences between two values for one quantity: further on it is a quantity of another case
SHORT_ANSWER = 40  # characters: what follows one is the answer too
LEAST_DIGITS = 2  # of a value that is known again: one of one digit comes up by chance

_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")
_OPERATOR = re.compile(
    r"\d[^\w\n=]{0,3}(?:[+*/×÷−-]|\\(?:times|cdot|div))[^\w\n=]{0,3}\d|\b(?:times|plus|minus|divided|multiplied|squared|add up|adds up|together|sum)\b"
    r"|[加减乘除倍折]|合成|总共|一共|之和"
)
_ALGEBRA = re.compile(r"\\|[a-z]\s?[=^+*/-]|[=+*/-]\s?[a-z]\b|\d[a-z]\b|[≠{}]")
_LIST = re.compile(r"[,，、;；]")
_EQUALS = re.compile(r"[=≡≈]|\b(?:is|are|gives|makes|make|equals|leaves|totals?|come to|comes to|says?)\b|[是为得]|等于|共")
_QUANTITY = re.compile(
    r"(?:\b(?:the|my|our) ((?:[a-z-]{2,15} ){0,3}[a-z-]{2,15})|([\u4e00-\u9fff]{2,10}?))\s?(?:is|are|was|equals|comes to|=|是|为|等于|得)\s?(?:then |therefore |really |just |only |about |now |at )?[$€£]?(\d[\d,]*(?:\.\d+)?)"
)
_CASE = re.compile(r"^[\W_]*(?:\d|case|if|when|for|in|with|step|after|then|now|next|finally|suppose|情况|如果|当|若|第|接着|然后|再)")
# Words that make a question more than a doubt, a check or a search; what opens a sentence that puts the matter off or affirms it.
_WORDED = re.compile(
    r"\b(?:wait|hmm+|hm|hold|hang|check|verify|sure|simpler|another|instead|what|if|best|next|need|find|prove|show|let|let's)\b"
    r"|[\u4e00-\u9fff]"
)
_PUTS_OFF = re.compile(
    r"[\W_]*(?:yes|yeah|yep|no doubt|let|i|i'm|i'd|i'll|we|maybe|perhaps|possibly|if|suppose|well|but|hmm+|check|test|nothing|nobody"
    r"|once|one could|it (?:does|is|can|would|could|might|seems)|that(?:'s| is| would)|this|step|first|to"
    r"|the (?:question|problem|exercise|stem|statement|answer))\b"
)
_ASKS = re.compile(
    r"^[\W_]*(?:what|how (?:many|much|long|far|old|often|tall|fast|big)|which|who|whose|whom|when|where)\b"
    r"|多少|几[个只条人天种次]|什么|哪[个些一里]|谁|何时"
)


def signals(plain: str, spans: Sequence[Span]) -> Iterator[tuple[Span, Label, str]]:
    """Yield sentences with a label and the name of the signal."""
    known: dict[str, int] = {}  # value → the sentence that first states it
    stated: dict[str, tuple[str, int]] = {}  # quantity → its value, and the sentence that states it
    last = False  # whether a sentence with numbers has been read
    doubtful = False  # whether the sentence before is a doubt without a word of doubt
    for place, span in enumerate(spans):
        sentence = plain[span.start : span.end]
        if doubtful and _answers(sentence):
            yield span, "self_correction", "answered"
            doubtful = len(sentence) <= SHORT_ANSWER
            continue
        doubtful = place > 0 and sentence[-1] == "?" and _is_doubt(sentence) and _WORDED.search(sentence) is None
        if place and last and sentence[-1] in "?？" and _is_doubt(sentence):
            yield span, "hesitation", "doubted"
            continue
        values = _NUMBER.findall(sentence)
        if not values or HIDDEN in sentence:
            continue
        if len(values) >= GATHERED:
            label, signal = _among(sentence, [value.replace(",", "") for value in values], known, place)
            if label is not None:
                yield span, label, signal
        for quantity, value in _stated(sentence):
            before = stated.get(quantity)
            if before is not None and before[0] != value and place - before[1] <= MAX_APART:
                yield span, "self_correction", "revised"
            stated[quantity] = value, place
        for value in values:
            known.setdefault(value.replace(",", ""), place)
        last = True


def _among(sentence: str, values: Sequence[str], known: dict[str, int], place: int) -> tuple[Label | None, str]:
    """Return what a sentence with several values does with those that are known."""
    result = values[-1]
    if len(result) >= LEAST_DIGITS and result in known and result not in values[:-1]:
        before = sentence[: sentence.rfind(values[-1])]
        if _EQUALS.search(before) and _OPERATOR.search(sentence) and not _ALGEBRA.search(sentence) and "mod" not in sentence:
            return "verification", "restated"
    places = {known.get(value, place) for value in values}
    if place in places or len(places) < 2 or len(sentence) > MAX_GATHERED_CHARS or len(_LIST.findall(sentence)) < GATHERED - 1:
        return None, ""
    return ("summary", "gathered") if not _OPERATOR.search(sentence) and not _ALGEBRA.search(sentence) else (None, "")


def _stated(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield the quantities that a sentence gives a value, under their names or as what is computed."""
    if _CASE.match(sentence):
        return
    for match in _QUANTITY.finditer(sentence):
        yield match[1] or match[2], match[3].replace(",", "")


def _is_doubt(sentence: str) -> bool:
    return len(sentence) <= MAX_QUESTION_CHARS and HIDDEN not in sentence and _ASKS.search(sentence) is None


def _answers(sentence: str) -> bool:
    return sentence[-1] == "." and HIDDEN not in sentence and _PUTS_OFF.match(sentence) is None
