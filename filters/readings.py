"""What the text behind an anchor may mean: the answer may stand in it beside what it denies, an aside or a whole sentence."""

import re
from collections.abc import Iterator

from filters.candidates import Candidate
from filters.phrases import CHINESE_HEDGES, CHINESE_IF, HEDGES, NOT, SUPPOSED, WRONG, one_of

MAX_VALUE_CHARS = 53  # the longest of MATH-500's 500 gold answers; CommonsenseQA's longest option has 31
MAX_CONCLUSION_WORDS = 3  # our rule: "So London." is an answer, "So the trip takes a day." is prose
MAX_PLAIN_WORDS = 4  # our rule: a text of more is a sentence; of MATH-500's gold answers none has more

_ORNAMENTS = " \t\r\n✅✓✔☑🎉👉👍😊➡\ufe0f"
_QUOTED = re.compile(r"[\"“'‘「]([^\"“”'‘’「」]+)[\"”'’」]")
_NOT_BUT = re.compile(
    r"\W{0,4}(?:not\s[^,;]{1,100}?[,;]?\s(?:but|it(?:\sis|['’]s))\s(?:rather\s)?|不是[^，,]{1,40}?[，,]?而?是)(?P<chosen>.*)",
    re.IGNORECASE | re.DOTALL,
)
_BUT_NOT = re.compile(
    r"(?P<chosen>.*?)(?:,?\s\(?(?:not|rather\sthan|instead\sof)\s|[，,]\s?而?不是)(?P<denied>.*)", re.IGNORECASE | re.DOTALL
)
_ASIDE = re.compile(r",\s|[，；;]|\s[(（]|\s[-–—]\s|\.\s(?=[A-Z]\S*\s[a-z]\S*\s\S)")
_PROSE = re.compile(r"[A-Za-z'’ ,.()*\u4e00-\u9fff]{2,300}")
# Words that change or take back what stands before them, and labels of other options: what holds them is no aside.
_CHANGES = (
    rf"or|guess|nor|but|except|either|half|plus|minus|\w{{0,5}}illion|thousand|hundred|dozen|{NOT}|{WRONG}|{HEDGES}|{SUPPOSED}"
)
_NOT_AN_ASIDE = re.compile(
    rf"(?:^|[\s(*])(?:(?-i:[A-HJ-Z])[\s.,)*]|{one_of(_CHANGES)}\b)|(?:^|\s)(?-i:[A-HJ-Z])$"
    rf"|[或不但错]|{one_of(CHINESE_IF)}|{one_of(CHINESE_HEDGES)}",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[0-9\\$]")
_PRONOUN = re.compile(r"\W{0,4}(?:that|she|he|it|they|we|there|so|therefore|the)\s", re.IGNORECASE)
_VERBS = (
    "is|are|was|were|will|would|has|have|had|makes?|made|gets?|got|earns?|spends?|spent|needs?|pays?|paid|costs?|takes?|took"
    "|sells?|sold|can|gives?|gave|equals?"
)
_VERB = re.compile(rf"[a-z]\s{one_of(_VERBS)}\s|^there\s|[\u4e00-\u9fff](?:是|为|有|赚|花|需要|得到|共)", re.IGNORECASE)

_REASON = re.compile(r",?\s(?:because|since)\s|[,，]?因为", re.IGNORECASE)
_ARITHMETIC = re.compile(
    r"(?:(?:[^A-Za-z=<>\\]|\\(?:times|cdot|div|[dt]?frac|left|right|[()$]))++=(?!=)){1,8}+"
    r"\s*(?P<value>[-−$]{0,3}\s?(?:[0-9.(]|\\[dt]?frac)[^=<>]*)"
)
_COPULA = re.compile(
    r"(?<![<>!=≤≥\\])=(?!=)|\b(?:is|are|was|were|be|equals?|equal\sto)\s(?:(?:equal\sto|exactly|indeed|simply|therefore|thus|also|again)\s)?"
    r"|(?:等于|[是为])\s?"
)
_DIGITS = re.compile("[0-9]+")
_NUMBER = re.compile(
    r"(?<![^\s$€£¥₹(*\u4e00-\u9fff])(?:[-−]\s?)?[$€£¥₹]?[-−]?[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?(?:/[0-9]+)?%?"
    r"(?=[\s.,;!$)*\u4e00-\u9fff]|\\[)\]%]|$)(?!\.[0-9]|\s?(?:[-+/^=<>×÷√π(\d]|\*(?!\*)|\\(?![)\]%])))"
)
_UNIT_WORD = re.compile(
    r"\s?(?!(?:an?|the|every|each|per|in|at|on|for|from|with|after|before|during|when)\b)[^\W\d_]+", re.IGNORECASE
)
_JOINED = re.compile(r"(?:=|\b(?:is|are)\b)[^=]{0,20}[0-9][^=]{0,20}\b(?:or|and)\s[^=]{1,20}$")  # x = 5 or x = 6
# What makes a sentence that holds a value no statement of it.
_NEGATED = re.compile(
    rf"\b(?:it(?:\sis|['’]s)\snot|\w{{1,8}}n['’]t|doubt|might|cannot|roughly|approximately|{one_of(f'{WRONG}|{HEDGES}')})\b|^\W{{0,6}}if\b"
    rf"|不是|{one_of(CHINESE_IF)}|{one_of(CHINESE_HEDGES)}"
)
_BOUNDS = (
    "at least|at most|(?:more|less|fewer|greater|smaller|other) than|over|under|about|around|almost|nearly|approximately|roughly"
)
_PLACES = "let|step|equation|case|question|problem|see|page|line|figure|table|part"
_MODIFIED = re.compile(
    rf"\b{one_of(f'{_BOUNDS}|{_PLACES}|{NOT}|{WRONG}|{HEDGES}|no|might|may|could|either|or|if|minus|negative|plus|times')}\b"
    r"|\b(?:need\sto|want|must\s(?:find|solve))\b|[≈~^?]|[约不没或]|至少|至多|如果|需要"
)
_COMPOUND = "of|twice|half|double|triple|than|to|by|from|before|after|between|without|except|but|square|root|minus|plus|less"
_COMPOUNDS = re.compile(rf"\b{one_of(_COMPOUND)}\W{{0,4}}$|[<>≠≤≥≈~^_|]\s*$|\\(?:lt|gt|leq?|geq?|neq?|approx|sim)\s*$")
_WORDS = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}(?![A-Za-z(])")
_CHINESE_WORDS = re.compile(r"[\u4e00-\u9fff]")


def readings(one: Candidate) -> Iterator[str]:
    """Yield what an anchor's text may mean, the likeliest first; a checker's reader says which of them is an answer."""
    text = one.text
    if text.isalnum() and text.isascii():
        yield text
        return
    text = _without_ornaments(text)
    if (quoted := _QUOTED.fullmatch(text)) is not None:
        yield quoted[1]
    if (exchanged := _NOT_BUT.fullmatch(text)) is not None:
        yield exchanged["chosen"].strip()
        return
    if (contrasted := _BUT_NOT.fullmatch(text)) is not None and contrasted["chosen"].strip() != contrasted["denied"].strip():
        yield contrasted["chosen"].strip()
    if (computed := _ARITHMETIC.fullmatch(text)) is not None:
        yield bare(computed["value"])
    head = without_aside(text)
    if _VALUE.search(head):
        yield head
    is_sentence = one.lead not in ("phrase", "reversed") or _PRONOUN.match(text) is not None
    if is_sentence and _VERB.search(text):
        yield from values(text)
    yield text
    if head:
        yield head
    if is_sentence and one.lead != "reversed":
        yield from values(text)


def _without_ornaments(text: str) -> str:
    """Return `text` without signs of joy at its ends, and without the exclamation mark of a word: 5! stays."""
    text = text.strip(_ORNAMENTS).removesuffix(" :)")
    stem = text.rstrip("*").rstrip("!") if text.endswith(("!", "!**")) else text
    if stem.endswith(("*", '"', "”", "’", ")")) or (stem[-2:].isalpha() and len(stem) > 1):
        return stem + "**" * (text.endswith("**") and not stem.endswith("**"))
    return text


def without_aside(text: str) -> str:
    """Return what stands before an aside, "18 (dollars per day)", empty where there is none."""
    aside = _ASIDE.search(text)
    if aside is None or not _PROSE.fullmatch(text, aside.end()) or _NOT_AN_ASIDE.search(text, aside.end()):
        return ""
    return text[: aside.start()]


def values(sentence: str) -> Iterator[str]:
    """Yield the one value of a sentence: what follows its last "is" or "=", its only number, or all of it if it is short."""
    sentence = _REASON.split(sentence, maxsplit=1)[0]
    small = sentence.lower()
    if _NEGATED.search(small):
        return
    copulas = list(_COPULA.finditer(small))
    if copulas and not _JOINED.search(small, 0, copulas[-1].start()):
        text = bare(sentence[copulas[-1].end() :])
        if 0 < len(text) <= MAX_VALUE_CHARS and not _MODIFIED.search(text.lower()) and balanced(text):
            yield text
    numbers = list(_NUMBER.finditer(sentence))
    alone = len(numbers) == 1 and len(_DIGITS.findall(sentence)) == len(_DIGITS.findall(numbers[0][0]))
    if alone and not _MODIFIED.search(small) and not _COMPOUNDS.search(small[: numbers[0].start()]):
        unit = _UNIT_WORD.match(sentence, numbers[0].end())
        yield sentence[numbers[0].start() : unit.end() if unit else numbers[0].end()].strip()
    if not copulas and 0 < len(sentence.split()) <= MAX_CONCLUSION_WORDS and not _MODIFIED.search(small):
        yield bare(sentence)


def is_prose(text: str) -> bool:
    """Say whether `text` is more of a sentence than of a value."""
    return len(_WORDS.findall(text)) > MAX_PLAIN_WORDS or len(_CHINESE_WORDS.findall(text)) > 3 * MAX_PLAIN_WORDS


def balanced(text: str) -> bool:
    """Say whether every mathematics delimiter of `text` has its partner: where not, it was cut off."""
    return text.count("$") % 2 == 0 and text.count("\\(") == text.count("\\)") and text.count("\\[") == text.count("\\]")


def bare(text: str) -> str:
    """Return a value without stops, bold marks, and mathematics delimiters that have no partner in it."""
    text = text.strip(" \t\r\n*_.。,，;；")
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        alone = text.count(opening) + (text.count(closing) if opening != closing else 0) == 1
        if alone:
            text = text.removesuffix(closing).removeprefix(opening).strip(" \t\r\n*_.。,，;；")
    return text
