"""Exact comparison of texts; compatibility forms, case, spaces, an article, one full stop and outer quotes do not count."""

import functools
import re

from filters.answers.reading import is_sentinel
from filters.extraction import MAX_ANSWER_CHARS, extract_answer
from filters.normalization import nfkc
from schemas.annotation import Status, Verdict
from schemas.problem import Problem

_SPACES = re.compile(r"\s+")
_GROUP = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|boxed|fbox|operatorname)\s?\{([^{}]*)\}")
_PUNCTUATION = re.compile(r"[\s*.,;:!?()\"'“”]+")
_ARTICLE = re.compile(r"(?:the|an?) (?=\S)")
_OUTER = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "«": "»", "`": "`", "$": "$", "*": "*"}


class ExactText:
    """Judges by equality of the normalised texts.  An answer that holds the gold among other words is `unsure`."""

    name = "text_v2"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the committed answer as written."""
        gold = None if problem.answer is None else normalize_text(problem.answer)
        if gold is None:
            return Verdict("error", None, self.name, "gold_unreadable")
        if is_sentinel(problem.answer or ""):
            return Verdict("error", None, self.name, "gold_refused")
        found = extract_answer(response, normalize_text)
        if found.value is None:
            status: Status = "unsure" if found.reason == "answer_unreadable" else "incorrect"
            return Verdict(status, found.text, self.name, found.reason)
        if found.value == gold:
            return Verdict("correct", found.text, self.name, "equal")
        if _is_among(gold, found.value):
            return Verdict("unsure", found.text, self.name, "among_other_words")
        return Verdict("incorrect", found.text, self.name, "different")


@functools.lru_cache(maxsize=4096)  # golds repeat for every sample of a problem
def normalize_text(text: str) -> str | None:
    """Return the form in which two texts are compared, None where nothing or too much is left."""
    if len(text) > MAX_ANSWER_CHARS:
        return None
    text = _SPACES.sub(" ", _GROUP.sub(r"\1", nfkc(text)).casefold()).strip()
    stop_removed = False
    while text:
        if not stop_removed and text.endswith((".", "。")):
            text, stop_removed = text[:-1].rstrip(), True
        elif len(text) > 1 and _OUTER.get(text[0]) == text[-1] and _encloses(text):
            text = text[1:-1].strip()
        else:
            return _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text
    return None


def _is_among(gold: str, answer: str) -> bool:
    """Say whether the gold stands in the answer among other words: the answer could mean it, or deny it."""
    words = _PUNCTUATION.sub(" ", answer).strip()
    return len(words.split()) > len(gold.split()) and f" {gold} " in f" {words} "


def _encloses(text: str) -> bool:
    """Say whether the first and the last character are one pair: `$a$ and $b$` and `"a" or "b"` are not."""
    inner = text[1:-1]
    return text[0] not in inner.strip(text[0]) and text[-1] not in inner.strip(text[-1])
