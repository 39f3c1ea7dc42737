"""Signals of reflection in Chinese that no words give, beside those of numbers in any language.

agreed     a computation that comes out, in words of sameness, at a value that was already known: verification
both_sides two computations of one value side by side: verification
gathered   clauses in a row that each say again what another sentence before said: summary
opened     a list whose items open the sentences behind it: subgoal
doubted    a question that asks for nothing, behind the first sentence: hesitation
restated   a computation that comes out at an expression that was already written: verification
answered   another value or a replaced one right behind such a question: self_correction
"""

import re
from collections.abc import Iterator, Sequence

from filters.sentences import HIDDEN
from schemas.annotation import Label

# Our rules, set on the development passages.
CLAUSES = 3  # that say again what was said, at least
MAX_CLAUSES = 8
MAX_CLAUSE_CHARS = 24
MAX_GATHERED_CHARS = 110
MAX_QUESTION_CHARS = 60
MAX_BACK = 40  # sentences in which an expression may stand
OPENED = 2  # sentences that begin with an item of a list, at least
MAX_BEHIND = 6  # sentences behind a list
MAX_ITEM_CHARS = 14
MAX_SAME_CHARS = 16  # of words of sameness before a value: what _SAME matches is shorter

_NUMBER = re.compile(r"\d(?<![a-z\d_.]\d)\d*(?:,\d{3})*(?:\.\d+)?")
_SAME = re.compile(
    r"(?:同样|也|还|正好|恰好|刚好|仍然?|依旧|依然|果然|又|恰|正|确实|的确|照样|都|均|凑成|刚刚)(?:正好|刚好|恰好)?"
    r"(?:是|为|得到?|等于|落在|算得|给出|剩下?|回到|凑成|共|有|只有|要|=|≈)?[^\w，。；]{0,3}$"
)
_COMPUTED = re.compile(r"[=×÷*/]|\d\s?[+−-]|[加减乘除倍折]|合成|总共|一共|之和|相加|平均|中间|原式|累加|打.折")
_EQUAL = re.compile(r"[=≈]\s?([-−]?\d+(?:\.\d+)?)(?![\d.]|\s?[×÷*/+−^a-z-])")
_CLAUSE = re.compile(r"[，,、；;：:。]")
_EXPRESSION = re.compile(r"(?:[即是为得=：:]|等于)\s?([-−+\da-z√π²³^*/().,·°]{3,24})[。；]?$")
_CONCLUDES = re.compile(r"^\W{0,3}(?:所以|因此|于是|故|综上|最后|答案|最终|那么|从而|即|列|目前|至此)")
_ITEM_ENDS = re.compile(r"[、，,：:；;。]|[和与及]")
_PLANS = re.compile(r"[要得需分逐缺差没各]|情形|情况|可能|[两三四五几\d](?:件|样|个|种|段|步|处|块|项)")
_ASKS = re.compile(
    r"多少|几[个只条人天种次段份本块张]|什么(?!都)|哪[个些里位]|谁|何时|还是|怎么办|如何|[你您请]|大家|同学|^\W{0,3}(?:求|问|试|已知|设)"
)
_READER = re.compile(r"[你您请他她]|大家|同学|^\W{0,3}(?:题目|问题|问)[：:]|^觉得|^操作")
_DOUBTS = re.compile(r"凭什么|怎么|难道|莫非|岂|竟|居然|真的|果真|我")
_REPLACES = re.compile(
    r"改[成为作记填判]|应[该当为再]|才是|划掉|漏|错|误|多算|少算|换[成回过]|其实|实际|扣[掉除后]|只剩|只能|只有|不能用|不算数|来自|被我"
    r"|[没未不](?:算|数|减|加|计|触发|含)|舍去|不要了"
)
_GIVES = re.compile(r"[记填写取得是为=≈有剩放]\s?[-−+]?\d")
_KEEPS = re.compile(
    r"确实|一遍|吻合|都不是|符合|没错|果然|没问题|验|检查|核对|再[看算读]|回[头看]|代[入回]|题[目里面干]|不过|对的|没算错|没弄错|没关系|看来没"
)
_PIECE = re.compile(r"\d+(?:\.\d+)?|[a-z]+|(?=([\u4e00-\u9fff]{2}))")


def chinese_signals(texts: Sequence[str]) -> Iterator[tuple[int, Label, str]]:
    """Yield places of sentences with a label and the name of the signal."""
    known: set[str] = set()  # values of the sentences before
    said: dict[str, int] = {}  # piece → the last sentence that holds it
    doubted = False
    for place, sentence in enumerate(texts):
        if place and _is_doubt(sentence):
            doubted = True
            yield place, "hesitation", "doubted"
            continue
        values = list(_NUMBER.finditer(sentence))
        if sentence[-1] not in "?？":
            if doubted and _answers(sentence, values, known):
                yield place, "self_correction", "answered"
            if HIDDEN not in sentence:
                signal = _checks(sentence, values, known, texts[max(place - MAX_BACK, 0) : place])
                if signal:
                    yield place, "verification", signal
                if place > 1 and len(sentence) <= MAX_GATHERED_CHARS and _gathers(sentence, said):
                    yield place, "summary", "gathered"
        doubted = False
        if _opens(sentence, texts[place + 1 : place + 1 + MAX_BEHIND]):
            yield place, "subgoal", "opened"
        known.update(match[0] for match in values)
        said.update(dict.fromkeys(_pieces(sentence), place))


def _checks(sentence: str, values: Sequence[re.Match[str]], known: set[str], before: Sequence[str]) -> str:
    """Return the name of the signal of verification that a sentence shows, "" for none."""
    if values and _agrees(sentence, values, known):
        return "agreed"
    if _both_sides(sentence):
        return "both_sides"
    end = _EXPRESSION.search(sentence)
    if end is None or _CONCLUDES.match(sentence) or not _COMPUTED.search(sentence[: end.start()]):
        return ""
    return "restated" if end[1] not in sentence[: end.start()] and any(end[1] in text for text in before) else ""


def _is_doubt(sentence: str) -> bool:
    if sentence[-1] not in "?？" or len(sentence) > MAX_QUESTION_CHARS:
        return False
    return _READER.search(sentence) is None and (_ASKS.search(sentence) is None or _DOUBTS.search(sentence) is not None)


def _answers(sentence: str, values: Sequence[re.Match[str]], known: set[str]) -> bool:
    """Say whether a sentence behind a doubt replaces what was said, by words or by a value that is new."""
    if _KEEPS.search(sentence):
        return False
    return bool(_REPLACES.search(sentence)) or bool(values and values[-1][0] not in known and _GIVES.search(sentence))


def _opens(sentence: str, behind: Sequence[str]) -> bool:
    """Say whether items of a list open sentences behind it, each another one."""
    if _PLANS.search(sentence) is None:
        return False
    items = [item.strip() for item in _ITEM_ENDS.split(sentence)]
    items = [item for item in items if 0 < len(item) <= MAX_ITEM_CHARS]
    found = 0
    for text in behind:
        for number, item in enumerate(items):
            head = item[:2]
            if text.startswith(head) and len(head) == min(2, len(item)):
                found += 1
                items = items[number + 1 :]
                break
    return found >= OPENED


def _agrees(sentence: str, values: Sequence[re.Match[str]], known: set[str]) -> bool:
    """Say whether a value that is known comes out of a computation again."""
    computed = _COMPUTED.search(sentence)
    if computed is None:
        return False
    for place, match in enumerate(values):
        at = match.start()
        if match[0] not in known or (place == 0 and len(values) > 1) or at <= computed.start():
            continue
        if at < computed.end() and not _COMPUTED.search(sentence, 0, at):
            continue
        if _SAME.search(sentence, max(at - MAX_SAME_CHARS, 0), at):  # from its start, time would be quadratic
            return True
    return False


def _both_sides(sentence: str) -> bool:
    found = _EQUAL.findall(sentence)
    return "左" in sentence and "右" in sentence and len(set(found)) < len(found)


def _gathers(sentence: str, said: dict[str, int]) -> bool:
    """Say whether clauses say again, one after the other, what other sentences said."""
    if _COMPUTED.search(sentence):
        return False
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause.strip()]
    if not CLAUSES <= len(clauses) <= MAX_CLAUSES:
        return False
    sources: set[int] = set()
    again = 0
    for clause in clauses:
        pieces = list(_pieces(clause))
        old = [said[piece] for piece in pieces if piece in said]
        if len(clause) <= MAX_CLAUSE_CHARS and pieces and 2 * len(old) >= len(pieces):
            again += 1
            sources.update(old)
    return again >= CLAUSES and again >= len(clauses) - 2 and len(sources) >= CLAUSES - 1


def _pieces(text: str) -> Iterator[str]:
    """Yield the numbers and words of a text, and each two Chinese characters in a row."""
    for match in _PIECE.finditer(text):
        yield match[1] or match[0]
