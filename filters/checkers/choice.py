r"""Multiple choice: the committed label as a whole token, or the full text of one option.

Read are only whole forms: "(e)", "E.", "E", \text{E}, "option E", 选项E, an option's text, "E) bank", "bank (e)", each also
with a reason behind it, "not" another one, or joined with others by "or" and the like.  Anything else commits to no label:
a label with the text of another option, a letter of another alphabet that looks like a label, the article "A".
Where a problem has no options, a gold that is a label is compared by labels alone.
"""

import functools
import re

from filters.extraction import MAX_ANSWER_CHARS, extract_answer
from filters.normalization import nfkc
from schemas.annotation import Status, Verdict
from schemas.problem import CHOICE_LABELS, Problem

FREE_LABELS = CHOICE_LABELS[:10]  # A to J, where the options are not known: MMLU-Pro, with the most of public sets, has ten

_GROUP = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|boxed|fbox|bf|rm)\b\s?")
_MARKS = re.compile(r"\\[()\[\],;! ]|[{}$*`]")
_SPACES = re.compile(r"\s+")
_REASON = re.compile(r",?\s(?:because|since|as)\s|,?因为|，", re.IGNORECASE)
_CONTRAST = re.compile(r",?\s(?:not|rather\sthan|instead\sof)\s", re.IGNORECASE)
_NOT_BUT = re.compile(r"not\s(?P<denied>[^,;]{1,200}?),?\sbut\s(?P<chosen>.*)", re.IGNORECASE | re.DOTALL)
_JOINT = re.compile(r",\s?(?:(?:or|and)\s)?|\s(?:or|and)\s|\s?[/&、]\s?|\s?[或和与]\s?", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:(?:the\s)?(?:option|choice|answer|letter)\s|选择?项?\s?)?[(\[【]?(?P<label>[A-Za-z])[.):、\]】]{0,2}(?:\s?选?项)?",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"(?:(?:the\s)?(?:option|choice)\s|选项\s?)?(?:[(\[【]?(?P<label>[A-Za-z])(?:[.):、\]】]{1,2}|\s[-–—](?=\s))|(?P<bare>[A-Z])\s)\s*(?P<text>.*\S)\s*",
    re.DOTALL | re.IGNORECASE,
)
_MARKED = re.compile(r"(?:(?:the\s)?(?:option|choice)\s|选项\s?)?[(\[【]?[A-Za-z][.):、\]】]", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|an?)\s(?=\S)")


class Choice:
    """Judges by the label.  The gold may be a label, "B" or "(B)", an option's text, or both."""

    name = "choice_v2"

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
    plain = _plain(text)
    labels = _read_form(plain, options)
    if labels:
        return labels
    exchanged = _NOT_BUT.fullmatch(plain)
    if exchanged:
        return _preferred(exchanged["chosen"], exchanged["denied"], options)
    answer = _REASON.split(plain, maxsplit=1)[0]
    chosen, *denied = _CONTRAST.split(answer, maxsplit=1)
    if denied:
        return _preferred(chosen, denied[0], options)
    if labels := _read_form(answer, options):
        return labels
    joint = [_read_form(part, options) for part in _JOINT.split(answer)]
    return frozenset().union(*joint) if all(joint) else frozenset()


def _preferred(chosen: str, denied: str, options: tuple[str, ...]) -> frozenset[str]:
    """Return what "chosen, not denied" commits to: nothing where either is no label or option or both are the same."""
    labels, others = _read_form(chosen, options), _read_form(_REASON.split(denied, maxsplit=1)[0], options)
    return labels if others and not labels & others else frozenset()


def _read_form(plain: str, options: tuple[str, ...]) -> frozenset[str]:
    """Return the labels of the one form that `plain` is: an option's text, a label, or both in either order."""
    plain = plain.strip().rstrip(".").strip(' "“”')
    labels = CHOICE_LABELS[: len(options)] or FREE_LABELS
    named = _named_options(plain, options)
    alone = _LABEL.fullmatch(plain)
    if alone and alone["label"].upper() in labels:
        return named | {alone["label"].upper()}
    split = _split_label(plain, labels)
    if split is not None:
        label, rest = split
        if not options:
            return frozenset(label if _MARKED.match(plain) else "")
        labelled = _named_options(rest, options)
        if labelled and not named:
            return frozenset(label) if label in labelled else labelled | {label}
    return named


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
    if match is not None:
        label, text = (match["label"] or match["bare"]).upper(), match["text"]
        if match["bare"] and not match["bare"].isupper():
            return None
    elif len(plain) > 4 and plain[-3] == "(" and plain[-1] == ")":
        label, text = plain[-2].upper(), plain[:-3]
    else:
        return None
    return (label, text) if label in labels else None


def _plain(text: str) -> str:
    """Return `text` without mathematics and Markdown marks, spaces collapsed."""
    return _SPACES.sub(" ", _MARKS.sub("", _GROUP.sub("", nfkc(text)))).strip()


@functools.lru_cache(maxsize=4096)
def _comparable(text: str) -> str:
    folded = text.casefold().strip(" .\"'“”")
    return _ARTICLE.sub("", folded, count=1) if _ARTICLE.match(folded) else folded
