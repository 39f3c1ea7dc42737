"""Whether a text stands by its answer: what it takes back, what it doubts, what it goes on to."""

import itertools
import re
from collections.abc import Callable

from filters.candidates import Candidate
from filters.phrases import CHINESE_HEDGES, CHINESE_MISTAKEN, IS_WRONG, MISTAKEN, SO, one_of
from filters.readings import values

Differs = Callable[[str], bool | None]  # whether a text is another value than the answer; None where it is no value

MAX_TAIL_CHARS = 20_000  # our rule: of what follows an answer, so much at its start and at its end is looked at
MAX_REST_CHARS = 200  # our rule: how much of a sentence counts as what its first words lead to
MAX_CONCLUSION_WORDS = 3  # our rule: "So London." is another answer, "So the trip takes a day." is prose

# Between two answers, these take the first one back.
_AGAIN = (
    "correction|wait|actually|hold on|on second thought|no,? (?:that|this|it)"
    "|let me (?:correct|fix|re-?(?:do|calculate|consider|think|examine))"
)
_TAKEN_BACK = re.compile(
    rf"\b{one_of(f'{MISTAKEN}|{_AGAIN}|i was (?:wrong|mistaken)')}\b"
    rf"|\b(?:that|this|it|which){IS_WRONG}(?:wrong|incorrect|not\s(?:right|correct))|{one_of(CHINESE_MISTAKEN)}|等等|等一下|重新(?:计算|考虑|检查)"
)
# After the last answer, these leave none.
_UNSURE = (
    "i (?:was|am|could be|may be|might be) (?:wrong|mistaken)|no,? wait|wait,? no"
    "|(?:can(?:no|['’])t|cannot|couldn['’]t) be (?:right|correct|true|so)"
)
_WITHDRAWN = re.compile(
    rf"\b{one_of(f'{MISTAKEN}|{_UNSURE}')}\b|\b(?:not|n['’]t)\s(?:entirely\s|so\s|quite\s|too\s)?(?:sure|certain|confident)\b"
    rf"|\b(?:that|this|it|which|(?:the|this|that|my)\s(?:answer|result|value|solution)){IS_WRONG}(?:wrong|incorrect|false|not\s(?:right|correct|true))"
    rf"|(?<!are\s)(?<!option\s)\bnot\s(?:right|correct)\b|[❌✗]|{one_of(CHINESE_MISTAKEN)}|不确定"
)
_NAMED_WRONG = re.compile(rf"(?<!\S)(?P<subject>\S{{1,30}}){IS_WRONG}(?:wrong|incorrect|not\s(?:right|correct))\b")

# These take the answer back where they lead to another value.
_REST = rf"(?P<rest>(?:[^\n.。]|\.(?=\d)){{0,{MAX_REST_CHARS}}})"
_REVOKING = "actually|wait|sorry|hmm+|i mean|correction|should(?: have)? be(?:en)?|or (?:maybe|perhaps|possibly)|in fact"
_CORRECTED = re.compile(
    rf"(?:\b(?:{one_of(_REVOKING)}|(?:no|nope)(?=[,:.!]))\b|\b(?:change|make)\s(?:that|it)\s|其实|实际上|应该是|等等|而是){_REST}"
)
_INSTEAD = re.compile(r"\b(?:instead|rather)\b")
# These go on.  The last that leads to a value must lead to the answer.
_ONWARD = (
    r"total|alternatively|then|finally|next|now|adding|plus|however|otherwise|but|(?:it|that|this) (?:is|must be|makes)"
    r"|(?:real|true|right|correct) \w{1,12} (?:is|was)"
)
_CONCLUDED = re.compile(rf"(?:(?P<so>\b{one_of(SO)}\b|所以|因此)|\b(?:{one_of(_ONWARD)}|it['’]s)\b){_REST}")
_STATED = re.compile(
    r"(?:(?<=[.!;,。])\s|\n|^)[\s*_]{0,4}(?=[a-z0-9'’ ]{0,15}[a-z]{2})(?P<words>(?:[a-z0-9'’]{1,15}\s){0,6}[a-z0-9]{1,15})\s?"
    r"(?:[=:,，]|\b(?:is|becomes|equals|gives)\b)\s?[$€£]?(?P<value>-?[0-9][0-9,]*(?:\.[0-9]+)?%?)(?:\s[a-z]{2,15}){0,2}\s?(?=[.!\n]|$)"
)
_CHECKS = r"sides?|lhs|rhs|equation|holds?|satisf\w{1,4}|check\w{0,3}|verif\w{1,6}|matches|consistent"
_CHECKED = re.compile(rf"\b{one_of(_CHECKS)}\b")
_NOT_STATED = re.compile(
    rf"\b{one_of(f'{_CHECKS}|step|note|example|day|week|month|year|question|problem|page|chapter|since|because|given|where|if')}\b"
)
# From here on the text explains or checks its answer: of the values on the way only conclusions count.
_HEADINGS = (
    r"explanation|reason(?:ing|s)?|verification|verify|check(?:ing)?|double-check|justification|details?|steps?|solution|why|proof|derivation|breakdown"
    r"|(?:in )?summary|recap|here(?:['’]s| is) (?:how|why|the)|let(?:['’]s| me| us) (?:verify|check|confirm|double|explain)"
    r"|to (?:verify|check|confirm|see why)|(?:we|you) can (?:verify|check|confirm|see)|because|since|note\b"
)
_EXPLAINED = re.compile(rf"(?:^|[\n.!])[\s*_#>-]{{0,8}}(?:{one_of(_HEADINGS)}|解析|解释|验证|检验|检查|理由|分析|说明|因为)")
_NUMBER = re.compile(r"[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?")
_RESTATED = re.compile(
    r"(?<!not )(?<!of )(?<!from )(?<!than )(?P<value>(?<![\w.,/])[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?)(?![\w/])[^0-9]{0,200}\Z"
)

_NEXT = re.compile(r"(?:[\s$*.,;)\]]|\\[)\]]|(?:or|and)\s){0,40}+(?![0-9]{1,2}[.)]\s)(?P<rest>(?:[^\n.。]|\.(?=\d)){1,200})")
_STARTS_WITH_NUMBER = re.compile(r"(?:\\(?:times|cdot|div|pm)|[-+−*/×÷=^x$€£¥ ]){0,4}[0-9]")
_BARE_WORDS = re.compile(r"[^\W\d_][\w'’-]*(?:\s[\w'’-]+){0,2}\.?")
_COURTESIES = frozenset(
    (
        "done thanks thank you cheers qed end explanation solution verified confirmed correct right yes good luck great enjoy hope "
        "this helps final answer ok okay reasoning unit units check verification"
    ).split()
)
_HEDGED = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|i\sguess|not\ssure|unsure|either|might\sbe|could\sbe)\b(?=\W{0,4}\w)|[?？❌✗]"
    rf"|{one_of(CHINESE_HEDGES)}|(?<![$(])\b[0-9]+!$"  # 5! is a factorial or a cry
)


def standing(low: str, found: list[Candidate]) -> list[Candidate]:
    """Return the candidates that no later words take back, up to the last one."""
    first = 0
    for index in range(1, len(found)):
        if found[index - 1].end < found[index].start and _TAKEN_BACK.search(low, found[index - 1].end, found[index].start):
            first = index
    return found[first:]


def hedged(text: str) -> bool:
    """Say whether an answer doubts itself: "5?", "maybe 5", "either 5 or 6"."""
    return _HEDGED.search(text.lower()) is not None


def revised(low: str, end: int, text: str, differs: Differs) -> bool:
    """Say whether what follows `end`, where the last answer `text` ends, takes it back or goes on to another value."""
    tail = low[end:]
    if not any(character.isalnum() or character in "❌✗" for character in tail):
        return False
    if len(tail) > 2 * MAX_TAIL_CHARS:
        tail = tail[:MAX_TAIL_CHARS] + "\n" + tail[-MAX_TAIL_CHARS:]
    if _WITHDRAWN.search(tail) or any(differs(match["subject"].strip("()*.,:$")) is False for match in _NAMED_WRONG.finditer(tail)):
        return True
    numeric = any(map(str.isdigit, text))
    corrections = (match["rest"] for match in _CORRECTED.finditer(tail))
    replacements = (re.split(r"[\n.。]", tail[max(0, match.start() - 60) : match.start()])[-1] for match in _INSTEAD.finditer(tail))
    return (
        any(_leads_elsewhere(words, numeric, differs) for words in itertools.chain(corrections, replacements))
        or _followed(tail, numeric, differs)
        or _concludes_otherwise(tail, numeric, differs)
    )


def _leads_elsewhere(rest: str, numeric: bool, differs: Differs) -> bool | None:
    """Say whether the rest of a sentence leads to another value: its one value, or else its last number."""
    words = rest.strip(" ,:，：$*")
    if numeric and not any(map(str.isdigit, words)):
        return None
    for text in values(words):
        is_value = text.lower() not in _COURTESIES and not (numeric and len(_NUMBER.findall(text)) > 1 and " " in text)
        if is_value and (elsewhere := differs(text)) is not None:
            return elsewhere
    numbers = _NUMBER.findall(words) if numeric else []
    return differs(numbers[-1]) if numbers else None


def _followed(tail: str, numeric: bool, differs: Differs) -> bool:
    """Say whether another value stands directly behind the answer: a number, a label, a line of one to three words."""
    following = _NEXT.match(tail)
    if following is None:
        return False
    rest = following["rest"]
    label = rest.strip(" ()*$")
    if len(label) == 1 and not tail[following.end() + 1 : following.end() + 2].isalpha() and differs(label):
        return True
    if numeric and _STARTS_WITH_NUMBER.match(rest):
        return bool(differs(_NUMBER.findall(rest)[-1]))
    lines = [line.strip(" *") for line in tail.split("\n")[1:] if line.strip()] if len(tail) < MAX_REST_CHARS else []
    alone = len(lines) == 1 and _BARE_WORDS.fullmatch(lines[0]) is not None
    return alone and not set(lines[0].rstrip(".").split()) <= _COURTESIES and bool(differs(lines[0]))


def _concludes_otherwise(tail: str, numeric: bool, differs: Differs) -> bool:
    """Say whether the last conclusion or statement that leads to a value leads to another one than the answer."""
    if numeric and (restated := _RESTATED.search(tail)) is not None and differs(restated["value"]) is False:
        return False
    explained = _EXPLAINED.search(tail)
    until = explained.start() if explained else len(tail)
    conclusions = [match for match in _CONCLUDED.finditer(tail) if match["so"] or match.start() < until]
    last = (-1, False)
    for match in conclusions:
        rest = match["rest"]
        is_early = match.start() < until
        if (is_early or match is conclusions[-1]) and not _CHECKED.search(rest):
            short = match["so"] is not None and len(rest.split()) <= MAX_CONCLUSION_WORDS
            reads = _leads_elsewhere(rest, numeric, differs) if is_early else _value_differs(rest, differs)
            last = max(last, (match.start(), reads)) if reads is not None and (numeric or short) else last
    for match in _STATED.finditer(tail, 0, until) if numeric else ():
        if not _NOT_STATED.search(match["words"]) and (elsewhere := differs(match["value"])) is not None:
            last = max(last, (match.start(), elsewhere))
    return last[1]


def _value_differs(sentence: str, differs: Differs) -> bool | None:
    return next((elsewhere for text in values(sentence) if (elsewhere := differs(text)) is not None), None)
