"""What a question asks for, by the words that call it: "the sum of the roots", "x", "how many apples".

A quantity's name is a row of words and signs (`named`), without those that call anything.  How surely a name is that of what is
asked for comes in three steps: it is all that the question asks with, it is the beginning of that, or it only has a word of it.
"""

import functools
import re

MAX_QUESTION_CHARS = 4096  # as in `filters.checkers.declared`
MAX_HEADS = 3  # our rule: words by which a question names what it asks for, "the last nonzero digit"
MIN_WORD_CHARS = 3  # what is shorter is a letter of a formula: "x", "ab"

# Words that call nothing, and those that call anything.
_LINKS = (
    "so therefore thus hence then and but now wait no yes actually hmm oh again here finally indeed there which means gives get got"
)
_PRONOUNS = "the an our my we he she they you his her their that this it of in"
_AUXILIARIES = "is are be have must should will would do does did can could"
_NOISE = frozenset(f"{_LINKS} {_PRONOUNS} {_AUXILIARIES} left right text frac".split())
_CHINESE_NOISE = re.compile("所以|因此|因而|综上|等等|不对|应该|那么|一共|总共|共")
_NEUTRAL = frozenset("total number answer result final value amount altogether all".split())
_SYNONYMS = {
    **dict.fromkeys(("greatest", "largest", "maximal", "biggest", "highest"), "maximum"),
    **dict.fromkeys(("least", "smallest", "minimal", "lowest"), "minimum"),
}
_TOKEN = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?|[\u4e00-\u9fff]+|[-+*/^×÷]")
_ASKS = re.compile(
    r"\b(?:what(?:\sis|\sare|['’]s)?|find|compute|determine|evaluate|calculate|solve\sfor|how\s(?:many|much))\b"
    r"|(?<![a-z,]\s)\b(?:is|are|does)\b|求|多少|几",
    re.IGNORECASE,
)
_ASKED_END = re.compile(r"[?？,;。，]|\.(?=\s|\Z)|\b(?:if|when|such|given|for\swhich|that|whose)\b")


def words(text: str) -> list[str]:
    """Return words without their plural s, numbers, signs of operations and runs of Chinese characters, in lower case."""
    if not text.isascii():
        text = _CHINESE_NOISE.sub(" ", text)
    found = _TOKEN.findall(text.lower())
    kept = [
        token.removesuffix("s") if len(token) > 3 else token
        for token, following in zip(found, [*found[1:], ""], strict=False)
        if token not in _NOISE and not (token == "a" and len(following) > 1 and following.isalpha())
    ]
    return [_SYNONYMS.get(token, token) for token in kept]


@functools.lru_cache(maxsize=1024)  # samples of a problem call its quantities alike; 4 KiB a question at most
def is_asked(name: str, question: str) -> bool:
    """Say whether a name is all that the question asks with, and nothing else; letters, whether they are its beginning."""
    asking = _asking(question)[1]
    tokens = _telling(name)
    if not any(map(_is_word, tokens)):
        following = asking[len(tokens) : len(tokens) + 1]
        return bool(tokens) and list(asking[: len(tokens)]) == tokens and all(map(_is_word, following))
    return sorted(tokens) == sorted(asking)


@functools.lru_cache(maxsize=1024)
def begins_to_ask(name: str, question: str) -> bool:
    """Say whether all of a name stands in the question, and the first word with which it asks in the name, alone or with another.

    Letters and numbers with which it asks must be there, "the sum of the roots of g".  No word may ask twice, "the sum of the sum".
    """
    all_words, asking = _asking(question)
    tokens = _telling(name)
    heads = [token for token in asking if _is_word(token)]
    if not heads or heads[0] not in tokens or len(set(heads)) < len(heads):
        return False
    if not all_words.issuperset(tokens) or _is_another(tokens, asking):
        return False
    rest = {token for token in asking if not _is_word(token)}
    return rest.issubset(tokens) and (len(tokens) == 1 or len(set(heads[:MAX_HEADS]).intersection(tokens)) > 1)


@functools.lru_cache(maxsize=1024)
def may_be_asked(name: str, question: str) -> bool:
    """Say whether half of a name's words stand in the question, among them one of the first with which it asks."""
    all_words, asking = _asking(question)
    tokens = _telling(name)
    called = [token for token in tokens if _is_word(token)]
    heads = [token for token in asking if _is_word(token)][:MAX_HEADS]
    if set(called).isdisjoint(heads) or _is_another(tokens, asking):
        return False
    return 2 * sum(token in all_words for token in called) >= len(called)


def _is_another(tokens: list[str], asking: tuple[str, ...]) -> bool:
    """Say whether a name has a letter with which the question does not ask: "the area of piece e"."""
    return any(token.isalpha() and not _is_word(token) and token not in asking for token in tokens)


def _telling(name: str) -> list[str]:
    return [token for token in name.split() if token not in _NEUTRAL]


def _is_word(token: str) -> bool:
    """Say whether a token is a word, and no letter, number or sign of a formula: "x", "ab", "+"."""
    return token >= "\u4e00" or (len(token) >= MIN_WORD_CHARS and token.isalpha())


@functools.lru_cache(maxsize=64)
def _asking(question: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the words of a question, and those behind the last word that asks, in their order."""
    asks = [match.end() for match in _ASKS.finditer(question)]
    asked = _ASKED_END.split(question[asks[-1] if asks else 0 :], maxsplit=1)[0]
    return frozenset(words(question)), tuple(token for token in words(asked) if token not in _NEUTRAL)
