"""Whether the way to an answer holds: annotation `steps_v2`.

Four kinds of flag, each a claim about the text: an equation that it states is false; one letter gets two values; the final value
comes out of nothing although the chain computes; there is no reasoning.  Softer signals (an operand whose origin is not shown,
a step that is skipped) flag 17 % of human solutions of GSM8K's test set, so there are none.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from filters.equation_reader import Chain
from filters.equations import Stated, stated
from filters.mentions import MAX_SENTENCE_CHARS, MIN_WORDS, NUMBER, is_short, mentions, number_of, sentence_around
from filters.rationals import Rational, difference
from schemas.annotation import StepFlag, Steps, StepsStatus, Verdict
from schemas.problem import Problem

NAME = "steps_v2"

MIN_EQUATIONS = 2  # our rule: a chain with fewer does not compute its answer by equations
MAX_COUNT = 20  # whole numbers up to it may have been counted; of MATH-500's solutions with other answers none is flagged wrongly
MAX_SHOWN_CHARS = 40  # of an answer in a flag's detail
_SCALES = (1, 100, 1000, Fraction(1, 100), Fraction(1, 1000))  # 25 and 25 % and 0.25, meters and kilometers

# A letter with an index or not, alone at the start of a statement: "so x = 5", "$x_1 = 5$".
_NAME = re.compile(
    r"(?:^|[.:;\n(]|\b(?:so|thus|therefore|hence|get|gives|have|that|is|find|yields|obtain)\b|\\implies|\\Rightarrow|&)"
    r"[\s$&]{0,4}(?:\\[(\[])?\s{0,4}([A-Za-z](?:_\{?\w{1,3}\}?)?|\\[a-z]{2,7})\s{0,2}\\?&?\s?$",
    re.IGNORECASE,
)
# What makes it one of a list, "h = 4, f = 20": a state, not a value.
_LISTED = re.compile(r"[\s$]{0,4}(?:\\[)\]])?\s{0,2}[,;，；]\s{0,2}(?:and )?[\s$\\(]{0,4}[A-Za-z]\w{0,3}\s{0,2}=")
MAX_NAME_CHARS = 40  # before the sign, for the name and what stands before it
MAX_DOUBTS = 16  # pairs of values that are looked at closely; more would only repeat the verdict
MAX_APART_CHARS = 2000  # between two values of one letter: further apart it may be another letter of the same name
# Words by which a value is one of several, tried, supposed or changed on purpose.
_PROVISIONAL = re.compile(
    r"\b(?:or|if|when\w{0,4}|let|suppose|assum\w{1,4}|for|case\w?|try\w{0,3}|test\w{0,3}|at|plug\w{0,4}|substitut\w{1,5}|consider|choos\w{1,3}"
    r"|possib\w{2,4}|solutions?|roots?|either|both|guess|check|wait|another|other|alternativ\w{2,4}|instead|again|different|new|now|next|mistake|wrong"
    r"|incorrect|actually|hmm+|say|max\w{0,5}|min\w{0,5}|largest|smallest|values?|example|similarly|where|method|approach|option|scenario|part|point"
    r"|step|equation|while|else|return|range|cannot|not|contradict\w{0,6})\b|≠|\\neq?\b|\\pm|±|\\text|或|若|如果|设|当|假设|情况|另|不对|等等",
    re.IGNORECASE,
)


def steps(chains: Sequence[str], problems: Sequence[Problem], verdicts: Sequence[Verdict]) -> list[Steps]:
    """Return what the step checks say of each chain: the column that selection and export read."""
    return [check(chain, problem, verdict) for chain, problem, verdict in zip(chains, problems, verdicts, strict=True)]


def check(chain: str, problem: Problem, verdict: Verdict) -> Steps:
    """Return what the step checks say of one chain.  The final value is the verdict's."""
    said = stated(chain)
    flags = [StepFlag("wrong_equation", one.start, one.end, one.detail) for one in said.equations if not one.holds]
    flags += _contradictions(chain, said.chains)
    if verdict.extracted:
        flags += _answer_flags(chain, problem.question, verdict.extracted, said)
    return Steps(_status(flags, len(said.equations), verdict), len(said.equations), sorted(flags, key=lambda flag: flag[1:3]))


def _status(flags: list[StepFlag], checked: int, verdict: Verdict) -> StepsStatus:
    if flags:
        return "right_answer_wrong_steps" if verdict.status == "correct" else "wrong"
    return "hold" if checked else "unchecked"


def _answer_flags(chain: str, question: str, answer: str, said: Stated) -> Iterator[StepFlag]:
    """Yield what is wrong with the way from the text to its answer, at the place where the answer stands for the last time."""
    place = _last_place(chain, answer)
    is_there = place >= 0
    start, end = (place, place + len(answer)) if is_there else (0, len(chain))
    if not said.chains and is_short(chain[:place] if is_there else chain):
        yield StepFlag("no_reasoning", start, end, f"no equation, under {MIN_WORDS} words before it")
    elif is_there and len(said.equations) >= MIN_EQUATIONS and not _derived(chain, question, answer, said.chains):
        yield StepFlag("not_derived", start, end, f"{answer[:MAX_SHOWN_CHARS]} comes out of no step")


def _last_place(chain: str, answer: str) -> int:
    """Return where the answer stands for the last time, -1 where it is written otherwise."""
    if len(answer) == 1 and answer.isalpha():
        return max((match.start() for match in re.finditer(rf"\b{answer}\b", chain)), default=-1)
    return chain.rfind(answer)


def _derived(chain: str, question: str, answer: str, found: Sequence[Chain]) -> bool:
    """Say whether the answer is a result, stands in the question, twice in the chain, or among other numbers.

    True as well where an equation was not read, a letter has a value, or the answer may have been counted.
    """
    final = number_of(answer)
    if final is None or final in range(MAX_COUNT + 1) or any(one.named is not None for one in found):
        return True
    for side in itertools.chain(*(one.sides[1:] for one in reversed(found))):  # the last is nearly always it
        if side.value is None or difference(side.value.number, final) < 1:  # 7.5 cans: he buys 8
            return True
    wanted = {final * scale for scale in _SCALES}
    if any(mentions(question, wanted)):
        return True
    found_in_chain = list(mentions(chain, wanted))
    return len(found_in_chain) != 1 or _among_numbers(chain, found_in_chain[0])


def _among_numbers(chain: str, mention: re.Match[str]) -> bool:
    """Say whether the sentence of a number holds an equation or another number."""
    rest = " ".join(sentence_around(chain, *mention.span()))
    return "=" in rest or any(number != mention[0] for number in NUMBER.findall(rest))


def _contradictions(chain: str, found: Sequence[Chain]) -> Iterator[StepFlag]:
    """Yield the second of two values of one letter, where nothing about either says that it is tried, supposed or changed."""
    values: dict[str, tuple[Rational, int]] = {}
    doubts = iter(range(MAX_DOUBTS))
    for one in found:
        last = one.sides[-1].value
        if one.named is None or last is None or last.decimals is None or "≈" in one.relations:
            continue
        name = _NAME.search(chain[max(0, one.named - MAX_NAME_CHARS) : one.named])
        if name is None or _LISTED.match(chain, one.sides[-1].end):
            continue
        start, end = one.named - len(name[0]) + name.start(1) - name.start(), one.sides[-1].end
        before = values.get(name[1])
        values[name[1]] = (last.number, end)
        if before is None or before[0] == last.number or start - before[1] > MAX_APART_CHARS or next(doubts, None) is None:
            continue
        around = chain[max(0, before[1] - MAX_SENTENCE_CHARS) : end + MAX_SENTENCE_CHARS]
        if not _PROVISIONAL.search(around):
            yield StepFlag("contradiction", start, end, f"{chain[start:end]}: it was {before[0]} before")
