"""What each reflection did to the answer, and how a chain comes to its answer.

A reflection's effect is what lies between two statements of the answer: the last one before its words, the first one behind them.
All reflections between the two have a part in a change, without subgoals, backward chaining and summaries: these look at no answer.
"""

from bisect import bisect_left
from collections.abc import Sequence

from filters.answer_key import AnswerKey
from filters.course import course
from filters.stated_answers import PLANS, StatedAnswer, stated_answers
from schemas.annotation import Course, Effect, Reflection, Verdict
from schemas.problem import Problem

NAME = "effects_v1"


def effects(
    chains: Sequence[str],
    reflections: Sequence[Sequence[Reflection]],
    problems: Sequence[Problem],
    verdicts: Sequence[Verdict],
) -> tuple[list[list[Reflection]], list[Course]]:
    """Return the reflections of each chain with their effects, and the course of each chain.

    The problems are as they were asked, and reflections in the order of the text.
    """
    keys: dict[
        tuple[Problem, str | None, str], AnswerKey
    ] = {}  # not by the id: it says nothing of the gold or the order of options
    tagged: list[list[Reflection]] = []
    courses: list[Course] = []
    for chain, found, problem, verdict in zip(chains, reflections, problems, verdicts, strict=True):
        sample = (problem, verdict.extracted, verdict.status)
        key = keys[sample] if sample in keys else keys.setdefault(sample, AnswerKey(problem, verdict))
        answers = stated_answers(chain, found, key)
        tagged.append(_with_effects(chain, found, answers, key))
        courses.append(course(chain, tagged[-1], answers, key, verdict, problem.question))
    return tagged, courses


def _with_effects(
    chain: str, reflections: Sequence[Reflection], answers: Sequence[StatedAnswer], key: AnswerKey
) -> list[Reflection]:
    if len(answers) < 2:
        return list(reflections)
    starts = [one.start for one in answers]
    places = [bisect_left(starts, _turn(chain, one)) for one in reflections]  # answers before each
    between = [0 < place < len(answers) for place in places]
    effects = {
        place: effect(answers[place - 1], answers[place], key)
        for place, is_between in zip(places, between, strict=True)
        if is_between
    }
    return [
        one._replace(effect=effects[place]) if is_between and (effects[place] == "idle" or one.label not in PLANS) else one
        for one, place, is_between in zip(reflections, places, between, strict=True)
    ]


def _turn(chain: str, one: Reflection) -> int:
    """Return where a reflection's words stand: what comes before them in its sentences was said before."""
    place = chain.find(one.marker, one.start, one.end) if one.marker else one.start
    return one.start if place < 0 else place


def effect(before: StatedAnswer, after: StatedAnswer, key: AnswerKey) -> Effect | None:
    """Return what lies between two statements of the answer, None where that is not known."""
    was, is_now = key.is_right(before.text), key.is_right(after.text)
    if key.same(before.text, after.text) or (was and is_now):
        return "idle"
    if was is None or is_now is None or (was and is_now):
        return None
    if was or is_now:
        return "effective" if is_now else "harmful"
    return "changing" if key.same(before.text, after.text) is False else None
