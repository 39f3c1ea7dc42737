"""Signals of reflection that no words give: what a sentence's numbers and questions say of the sentences before it.

restated   a computation that comes out at a value which was already known from elsewhere: verification
gathered   values that were found in different sentences, side by side, nothing computed: summary
listed     parts without a verb, each of which takes up a word of the sentences before: summary
revised    another value for a quantity of the same name, soon behind the first: self_correction
replaced   another value of the same unit right behind a value that is never used: self_correction
doubted    a question about the result just reached: hesitation
answered   such a question without a word of doubt, and a statement right behind it: self_correction
"""

import re
from collections.abc import Iterator, Sequence

from filters.known import Known
from filters.reflection_signals_zh import chinese_signals
from filters.sentences import HIDDEN
from schemas.annotation import Label

MAX_QUESTION_CHARS = 120  # a longer question is one of the problem's kind
MAX_GATHERED_CHARS = 160
GATHERED = 3  # values at least, or parts
MAX_PART_CHARS = 60
MAX_UNIT_CHARS, LEAST_UNIT_CHARS = 30, 2  # of what stands behind a value, with the mark that ends its sentence
LEAST_BEFORE = 2  # sentences before a list that takes them up
MAX_APART = 4  # sentences between two values for one quantity: further on it is a quantity of another case
MAX_VALUE_CHARS = 40  # of the end of a sentence, where its value with its unit stands
MAX_AROUND_CHARS = 2000  # of a sentence that are looked at for its words and values; time stays linear
MAX_PLACES = 8  # of a word, where it may be part of others
SHORT_ANSWER = 40  # characters: what follows one is the answer too
MAX_BACK = 8  # sentences back to a value that comes out again: in long chains numbers come up again by chance
LEAST_WORDS = 3  # of a question
LEAST_DIGITS = 2  # of a value that is known again: one of one digit comes up by chance

_NUMBER = re.compile(r"\d(?<![A-Za-z0-9_.]\d)\d*(?:,\d{3})*(?:\.\d+)?")  # a digit first: that is what is looked for fast
_OPERATOR = re.compile(
    r"\d[^\w\n=]{0,3}(?:[+*/×÷−-]|\\(?:times|cdot|div))[^\w\n=]{0,3}\d"
    r"|\b(?:times|plus|minus|divided|multiplied|squared|add up|adds up|together|sum)\b"
    r"|[加减乘除倍折]|合成|总共|一共|之和"
)
_ALGEBRA = re.compile(r"\\|[a-z]\s?[=^+*/-]|[=+*/-]\s?[a-z]\b|\d[a-z]\b|[≠{}]")
_PART_ENDS = re.compile(r", (?:and )?| and |; | \\+ ")
_LIST = re.compile(r"[,，、;；]")
_EQUALS = re.compile(r"[=≡≈]|\b(?:is|are|gives|makes|make|equals|leaves|totals?|come to|comes to|says?)\b|[是为得]|等于|共")
_NAMED = r"\b(?:the|my|our) ((?:[a-z-]{2,15} ){0,3}[a-z-]{2,15})"
_GIVEN = (
    r"\s?(?:is|are|was|equals|comes to|=|是|为|等于|得)\s?(?:then |therefore |really |just |only |about |now |at )?"
    r"[$€£]?(\d[\d,]*(?:\.\d+)?)"
)
_QUANTITY = re.compile(rf"(?:{_NAMED}|([\u4e00-\u9fff]{{2,10}}?)){_GIVEN}")
_QUANTITY_ASCII = re.compile(rf"{_NAMED}(){_GIVEN}", re.ASCII)  # the same of ASCII, in half the time
_STATES = re.compile(r" (?:is|are|was|equals|comes to) |[是为得]|等于")
_CASE = re.compile(
    r"^[\W_]*(?:\d|case|if|when|for|in|with|step|after|then|now|next|finally|suppose|情况|如果|当|若|第|接着|然后|再)"
)
_HAN = re.compile("[\u4e00-\u9fff]")
# Words that make a question more than a doubt, a check or a search; what opens a sentence that puts the matter off or affirms it.
_WORDED = re.compile(
    r"\b(?:wait|hmm+|hm|hold|hang|check|verify|sure|simpler|another|instead|what|if|right|best|next|need|find|prove|show|let|let's)\b"
    r"|[\u4e00-\u9fff]"
)
_PUTS_OFF = re.compile(
    r"[\W_]*(?:yes|yeah|yep|no doubt|wait|alternatively|earlier|since|because|so|let|i|i'm|i'd|i'll|we|maybe|perhaps|possibly|if"
    r"|suppose|well|but|hmm+|check|test|nothing|nobody"
    r"|once|one could|it (?:does|is|can|would|could|might|seems)|that(?:'s| is| would)|this|step|first|to"
    r"|the (?:question|problem|exercise|stem|statement|answer))\b"
)
_AT_END = re.compile(
    rf"(?<![\w.,])(?P<value>-?\d+(?:,\d{{3}})*(?:\.\d+)?)(?P<unit> ?[^\d]{{{LEAST_UNIT_CHARS},{MAX_UNIT_CHARS}}})$"
)
_DIGIT = re.compile(r"\d")
_COMES_TO = re.compile(r"\b(?:gives?|comes?|makes?|leaves?|totals?|is|are|becomes?|works? out|drops?|rises?)\b")
_NEXT = re.compile(
    r"^[\W_]*(?:\d|case|step|then|next|after|finally|similarly|another|each|now|for|at|if|when|on|and|in total|so|therefore"
    r"|thus|hence|with the other"
    r"|the (?:other|next|second|first|third|rest|remaining|same|total|final|answer|number of)|let|suppose|to)\b|[*\\\u4e00-\u9fff]"
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|we|i|you|he|she|they|let|if|when|to|then|so|first|now|since|because|there|consider|find|use|need|needs|as|like"
    r"|such|following|gives?|makes?|can|could|should|must|does|do|did|get|see|step|case|note|here|which|who|what|how|yes|no|alternatively|or|that"
    r"|that's|wait|but)\b"
    r"|[=*\\#|\u4e00-\u9fff\0]"
)
_ENDS_LIST = re.compile(r": | - | — |\.$")
_LETTER = re.compile(r"[a-z]{2}")
_WORD = re.compile(r"[a-z]{2,}")
_AIMS = re.compile(r"[()]|\b(?:i|we|if|let|wait|from|between|line|row|multiples?|when|for|each|so|so,|thus|therefore|mod)\b")
_CONTENT = re.compile(r"[a-zà-ÿ]{4,}|\d+")
_ASKS = re.compile(
    r"^[\W_]*(?:what|how (?:many|much|long|far|old|often|tall|fast|big)|which|who|whose|whom|when|where)\b"
    r"|\bhow (?:many|much|long|far)\b"
    r"|多少|几[个只条人天种次]|什么|哪[个些一里]|谁|何时"
)


# What may be worth a look in a sentence, as bits: it ends with a question mark; it has a comma and none of VERBS; it has a digit
# and no formula; behind its last digit stands no more than a unit.
ASKS, PARTS, VALUES, UNIT = 1, 2, 4, 8
VERBS = (" is ", "=", "\\", " are ", " we ", " to ")


def told(sentence: str) -> int:
    """Return what may be worth a look in a sentence.  UNIT is there wherever a digit is but at the end: to look on costs less."""
    asks = ASKS if sentence[-1] in "?？" else 0
    parts = PARTS if "," in sentence and not any(map(sentence.__contains__, VERBS)) else 0
    if _DIGIT.search(sentence) is None:
        return asks | parts
    unit = 0 if _DIGIT.search(sentence, len(sentence) - LEAST_UNIT_CHARS) else UNIT
    return asks | parts | unit | (0 if "\\" in sentence or HIDDEN in sentence else VALUES)


def signals(
    plain: str, spans: Sequence[tuple[int, int]], texts: Sequence[str], looks: Sequence[int] | None = None
) -> Iterator[tuple[int, Label, str]]:
    """Yield places of sentences, whose spans and texts are given, with a label and the name of the signal.

    Lines of LaTeX are passed over: their values are of algebra.  `looks` has what may be worth a look, where that is known.
    """
    known: dict[str, int] = {}  # value → the sentence that first states it
    stated: dict[str, tuple[str, int]] = {}  # quantity → its value, and the sentence that states it
    doubtful = False  # whether the sentence before is a doubt without a word of doubt
    chinese = not plain.isascii() and _HAN.search(plain) is not None
    if looks is None:
        looks = [_TOLD[sentence] for sentence in texts]
    for place, (sentence, look) in enumerate(zip(texts, looks, strict=True)):
        if doubtful and _answers(sentence) and not _is_line(plain, spans, place):
            yield place, "self_correction", "answered"
            doubtful = len(sentence) <= SHORT_ANSWER
            continue
        doubtful = False
        if not look:
            continue
        if look & ASKS and place and _is_doubt(sentence):
            doubtful = sentence[-1] == "?" and _WORDED.search(sentence) is None
            yield place, "hesitation", "doubted"
            continue
        if look & PARTS and place >= LEAST_BEFORE and _is_list(plain, *spans[place]):
            yield place, "summary", "gathered" if len(_NUMBER.findall(sentence)) >= GATHERED else "listed"
        if not look & VALUES:
            continue
        values, quantities = _VALUES[sentence]
        if place and look & looks[place - 1] & UNIT and _replaces(plain, spans, texts, place):
            yield place, "self_correction", "replaced"
        if len(values) >= GATHERED and not (place and _is_line(plain, spans, place) and not (chinese and _HAN.search(sentence))):
            label, signal = _among(sentence, values, known, place)
            if label is not None:
                yield place, label, signal
        for quantity, value in quantities:
            before = stated.get(quantity)
            if before is not None and before[0] != value and place - before[1] <= MAX_APART:
                yield place, "self_correction", "revised"
            stated[quantity] = value, place
        for value in values:
            known.setdefault(value, place)
    if chinese:
        yield from chinese_signals(texts)


def _values(sentence: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the numbers of a sentence, and the quantities that it gives a value: tuples, which the collector need not visit."""
    values = tuple(_NUMBER.findall(sentence))
    if "," in sentence:
        values = tuple(value.replace(",", "") for value in values)
    return values, tuple(_stated(sentence)) if values and _STATES.search(sentence) else ()


_TOLD, _VALUES = Known(told), Known(_values)


def _is_line(plain: str, spans: Sequence[tuple[int, int]], place: int) -> bool:
    """Say whether a sentence begins a line."""
    return plain.find("\n", spans[place - 1][1], spans[place][0]) >= 0


def _among(sentence: str, values: Sequence[str], known: dict[str, int], place: int) -> tuple[Label | None, str]:
    """Return what a sentence with several values does with those that are known."""
    result = values[-1]
    if len(result) >= LEAST_DIGITS and result in known and result not in values[:-1]:
        before = sentence[: sentence.rfind(result)]
        comes_to = max((match.end() for match in _EQUALS.finditer(before)), default=0)  # from here on nothing is computed any more
        near = place - known[result] <= MAX_BACK or _HAN.search(sentence) is not None
        plain_text = not _ALGEBRA.search(sentence) and "mod" not in sentence
        if near and _OPERATOR.search(before, 0, comes_to) and not _OPERATOR.search(sentence, comes_to) and plain_text:
            return "verification", "restated"
    places = {known.get(value, place) for value in values}
    if place in places or len(places) < 2 or len(sentence) > MAX_GATHERED_CHARS or len(_LIST.findall(sentence)) < GATHERED - 1:
        return None, ""
    if _OPERATOR.search(sentence) or _ALGEBRA.search(sentence) or (_HAN.search(sentence) is None and not _side_by_side(sentence)):
        return None, ""
    return "summary", "gathered"


def _side_by_side(sentence: str) -> bool:
    """Say whether each part of an English sentence says of something how much it is."""
    parts = _PART_ENDS.split(sentence)
    return _AIMS.search(sentence) is None and all(_LETTER.search(part) and _NUMBER.search(part) for part in parts)


def _stated(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield the quantities that a sentence gives a value, under their names or as what is computed."""
    if _CASE.match(sentence):
        return
    for match in (_QUANTITY_ASCII if sentence.isascii() else _QUANTITY).finditer(sentence):
        yield match[1] or match[2], match[3].replace(",", "")


def _is_doubt(sentence: str) -> bool:
    if len(sentence) > MAX_QUESTION_CHARS or HIDDEN in sentence or _ASKS.search(sentence) is not None:
        return False
    return _HAN.search(sentence) is not None or (len(_WORD.findall(sentence)) >= LEAST_WORDS and "=" not in sentence)


def _answers(sentence: str) -> bool:
    return sentence[-1] == "." and HIDDEN not in sentence and _PUTS_OFF.match(sentence) is None


def _is_list(plain: str, first: int, last: int) -> bool:
    """Say whether a sentence opens with parts without a verb, each with a word or number of the text before."""
    end = _ENDS_LIST.search(plain, first, last)
    if end is None or end.start() - first > MAX_GATHERED_CHARS:
        return False
    parts = _PART_ENDS.split(plain[first : end.start()])
    if len(parts) < GATHERED or max(map(len, parts)) > MAX_PART_CHARS or _VERB.search(plain, first, end.start()):
        return False
    before = plain[max(first - MAX_AROUND_CHARS, 0) : first]
    return all(any(_stands(word, before) for word in _CONTENT.findall(part)) and _LETTER.search(part) is not None for part in parts)


def _stands(word: str, text: str) -> bool:
    """Say whether a word or number stands in a text by itself, among its first places there."""
    at = text.find(word)
    for _ in range(MAX_PLACES):
        if at < 0:
            return False
        if not text[at - 1 : at].isalnum() and not text[at + len(word) : at + len(word) + 1].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


def _replaces(plain: str, spans: Sequence[tuple[int, int]], texts: Sequence[str], place: int) -> bool:
    """Say whether a sentence ends with a value of the unit of that of the sentence before, which nothing takes up."""
    before, sentence, start = texts[place - 1], texts[place], spans[place][0]
    new = _VALUE_AT_END[sentence]
    old = new and _VALUE_AT_END[before]
    if new is None or old is None or old["unit"] != new["unit"]:
        return False
    if before.split()[:2] == sentence.split()[:2]:  # two things side by side
        return False
    if old["value"] == new["value"] or _NEXT.search(sentence) or not _COMES_TO.search(sentence) or _is_line(plain, spans, place):
        return False
    if not any(character.isalpha() or character == "%" for character in new["unit"]):
        return False
    if _stands(old["value"], plain[start : start + MAX_AROUND_CHARS]):
        return False
    words = set(_CONTENT.findall(before, 0, old.start())) & set(_CONTENT.findall(sentence, 0, new.start()))
    return bool(words - set(_COMES_TO.findall(sentence)))


_VALUE_AT_END: Known[str, re.Match[str] | None] = Known(
    lambda sentence: _AT_END.search(sentence, max(len(sentence) - MAX_VALUE_CHARS, 0))
)
