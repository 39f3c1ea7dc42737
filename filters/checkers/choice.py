r"""Multiple choice: the committed label as a whole token, or the full text of one option.

Read as labels: "(e)", "E.", "E", \text{E}, "option E", "E) bank", full-width letters.  Never read as labels: the
article "A" and the pronoun "I" in prose, letters of other scripts or beyond the last option, what a clause denies.
"""

import functools
import re

from filters.extraction import MAX_ANSWER_CHARS, extract_answer, nfkc
from schemas.annotation import Status, Verdict
from schemas.problem import CHOICE_LABELS, Problem

_GROUP = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|boxed|fbox|bf|rm)\b\s?")
_MARKS = re.compile(r"\\[()\[\],;!]|[{}$*`]")
_SPACES = re.compile(r"\s+")
_CLAUSE = re.compile(
    r"[,;.!?](?=\s|$)|\s[-–—]\s|\bbut\b|(?=\b(?:rather\sthan|instead\sof|as\sopposed\sto|unlike|over|than)\b)",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|no|without|except|excluding|cannot|rather\sthan|instead\sof|as\sopposed\sto|unlike|over|than"
    r"|wrong|incorrect|eliminate[sd]?|rule[sd]?\sout|\w{1,8}n['’]t)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?<![\w(])\((?P<bracketed>[A-Za-z])\)(?!\w)"
    r"|\b(?:option|choice|answer|letter)\s(?P<named>[A-Z])(?![\w'’])"
    r"|(?:\b(?:or|and)\s|[/&]\s?)(?P<joined>[A-Z])(?![\w'’])"
)
_HEAD = re.compile(r"\s*(?P<head>[A-Za-z])(?P<after>[.):]|\s|$|/)(?P<rest>.*)", re.DOTALL)
_REASON = re.compile(r"\s*(?:because|since|as|which|or|and|is|was)\b|\s*[&/(–—-]", re.IGNORECASE)
_LABELLED = re.compile(r"\s*\(?(?P<label>[A-Za-z])[.):]\)?\s*(?P<text>.*\S)\s*", re.DOTALL)
_ARTICLE = re.compile(r"(?:the|an?)\s(?=\S)")


class Choice:
    """Judges by the label.  The gold may be a label or an option's text."""

    name = "choice_v1"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the label, A, B, C, …"""
        options = problem.choices
        gold = frozenset[str]() if problem.answer is None else read_labels(problem.answer, options)
        if len(gold) != 1:
            return Verdict("error", None, self.name, "gold_unreadable")
        found = extract_answer(response, lambda text: read_labels(text, options) or None)
        if found.value is None:
            status: Status = "unsure" if found.reason == "answer_unreadable" else "incorrect"
            return Verdict(status, found.text, self.name, found.reason)
        if len(found.value) > 1:
            return Verdict("incorrect", None, self.name, "uncommitted")
        (label,) = found.value
        if found.value == gold:
            return Verdict("correct", label, self.name, "equal")
        return Verdict("incorrect", label, self.name, "different")


@functools.lru_cache(maxsize=4096)  # golds repeat for every sample of a problem, and samples share few answers
def read_labels(text: str, options: tuple[str, ...]) -> frozenset[str]:
    """Return the labels that `text` commits to: none where it is no answer, several where it leaves the choice open."""
    if len(text) > MAX_ANSWER_CHARS:
        return frozenset()
    labels = CHOICE_LABELS[: len(options)]
    plain = _plain(text)
    named = _named_options(plain, options)
    split = _split_label(plain, labels)
    if split is not None:
        label, rest = split
        labelled = _named_options(rest, options)
        if labelled:
            return frozenset(label) if label in labelled else labelled | {label}
    if named:
        return named | ({plain.strip(" .()").upper()} & set(labels))
    return _labels_in(plain, labels)


def _labels_in(plain: str, labels: str) -> frozenset[str]:
    """Return the labels of every clause that does not deny them."""
    found: set[str] = set()
    for clause in _CLAUSE.split(plain):
        denial = _DENIAL.search(clause)
        end = denial.start() if denial else len(clause)
        head = _head_label(clause, whole=clause.strip() == plain.strip(" ."))
        if head is not None and end > 0:
            found.add(head)
        for match in _LABEL.finditer(clause, 0, end):
            found.add((match["bracketed"] or match["named"] or match["joined"]).upper())
    return frozenset(found & set(labels))


def _head_label(clause: str, whole: bool) -> str | None:
    """Return the label that opens a clause.  A bare A or I before prose is a word, and so is a bare small letter."""
    match = _HEAD.match(clause)
    if match is None:
        return None
    letter, alone = match["head"], not match["rest"].strip()
    if match["after"] in (".", ")", ":"):
        return letter.upper() if letter.isupper() or match["after"] == ")" or alone else None
    if alone:
        return letter.upper() if letter.isupper() or whole else None
    if letter.islower() or (letter in "AI" and match["after"] != "/" and not _REASON.match(match["rest"])):
        return None
    return letter


def _named_options(plain: str, options: tuple[str, ...]) -> frozenset[str]:
    """Return the labels of the options whose full text `plain` is, with or without an article."""
    wanted = _comparable(plain)
    if not wanted:
        return frozenset()
    pairs = zip(CHOICE_LABELS, options, strict=False)
    return frozenset(label for label, option in pairs if wanted == _comparable(_plain(option)))


def _split_label(plain: str, labels: str) -> tuple[str, str] | None:
    """Return label and text of "B) bank", "(b) bank" and "bank (b)", None for other forms."""
    match = _LABELLED.fullmatch(plain)
    if match is None:
        stripped = plain.rstrip(" .")
        if not (len(stripped) > 4 and stripped[-3] == "(" and stripped[-1] == ")"):
            return None
        label, text = stripped[-2].upper(), stripped[:-3]
    else:
        label, text = match["label"].upper(), match["text"]
    return (label, text) if label in labels else None


def _plain(text: str) -> str:
    """Return `text` without mathematics and Markdown marks, spaces collapsed."""
    return _SPACES.sub(" ", _MARKS.sub("", _GROUP.sub("", nfkc(text)))).strip()


@functools.lru_cache(maxsize=4096)
def _comparable(text: str) -> str:
    folded = text.casefold().strip(" .\"'“”")
    return _ARTICLE.sub("", folded, count=1) if _ARTICLE.match(folded) else folded
