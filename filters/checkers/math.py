r"""Mathematics without a computer algebra system: equal numbers, or LaTeX that is the same but for how it is set.

What it calls correct is equal; what it cannot decide is `unsure`.
"""

import functools
import re

from filters.checkers.numeric import judge, read_quantity
from filters.extraction import MAX_ANSWER_CHARS, extract_answer
from filters.normalization import nfkc
from schemas.annotation import Status, Verdict
from schemas.problem import Problem

# Marks that set a formula and mean nothing, and those that are another spelling.
_SETTING = re.compile(r"\\(?:left|right|displaystyle|[,;:!> ]|q?quad)(?![A-Za-z])|\\[()\[\]]|\$|~")
_TEXT = re.compile(r"\\(?:text|textbf|textrm|mathrm|mbox)\s?\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dt]frac(?![A-Za-z])")
_SHORT_FRACTION = re.compile(r"\\frac\s?([0-9])\s?([0-9])")
_SHORT_ROOT = re.compile(r"\\sqrt\s?([0-9])")
_DEGREES = re.compile(r"\^\s?(?:\{\\circ\}|\\circ)")
_THOUSANDS = re.compile(r"(?<![0-9.,])([1-9][0-9]{0,2})((?: [0-9]{3})+)(?![0-9])")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9]) (?=[0-9])")
_SPACES = re.compile(r"\s+")


class Math:
    """Judges numbers by exact equality and formulas by their normalised LaTeX; formulas that differ are `unsure`."""

    name = "math_v0"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the committed answer as written."""
        gold = None if problem.answer is None else normalize_latex(problem.answer)
        if problem.answer is None or gold is None:
            return Verdict("error", None, self.name, "gold_unreadable")
        found = extract_answer(response, normalize_latex)
        if found.value is None:
            status: Status = "unsure" if found.reason == "answer_unreadable" else "incorrect"
            return Verdict(status, found.text, self.name, found.reason)
        if found.value == gold:
            return Verdict("correct", found.text, self.name, "equal")
        numbers = read_quantity(problem.answer), read_quantity(found.text or "")
        if numbers[0] is not None and numbers[1] is not None:
            verdict, reason = judge(numbers[0], numbers[1])
            return Verdict(verdict, found.text, self.name, reason)
        return Verdict("unsure", found.text, self.name, "not_compared")


@functools.lru_cache(maxsize=4096)  # golds repeat for every sample of a problem
def normalize_latex(text: str) -> str | None:
    """Return the form in which two formulas are compared, None where nothing or too much is left."""
    if len(text) > MAX_ANSWER_CHARS:
        return None
    text = nfkc(text).replace("\u2212", "-").strip().removesuffix(".").removesuffix("。")
    text = _DEGREES.sub("", _TEXT.sub(r"\1", text))
    text = _SPACES.sub(" ", _SETTING.sub(" ", _FRACTION.sub(r"\\frac", text)))
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", text))
    text = _THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text)
    text = _BETWEEN_DIGITS.sub("\0", text)  # 1 2 is not 12
    return text.replace(" ", "").replace("\\%", "%") or None
