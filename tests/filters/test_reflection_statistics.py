"""What is counted of reflections: small tables by hand, and partitions that add up to the same in any order."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.reflection_counts import SUBJECTS, Chain, Counts, added, count
from filters.reflection_statistics import statistics
from schemas.annotation import EFFECTS, LABELS, STATUSES, Course, Granularity, LanguageShare, Reflection
from schemas.identity import rng_for
from schemas.reflection_statistics import DifficultyBand, Mean, ReflectionStatistics

COURSE = Course(2, 1, 0.25, 0.5, None, None, 3, 1, 0.125)
GRANULARITY = Granularity(100, 4, 0.25, 1.5, [LanguageShare("en", 0.75), LanguageShare("zh", 0.25)])


def _chain(status: str = "correct", *reflections: Reflection, problem: str = "p", **changes: Any) -> Chain:
    fields: dict[str, Any] = {"teacher": "main", "subject": "algebra", "is_try": True, "length": 1000, "approaches": ["cases"]}
    fields |= {"problem_id": problem, "status": status, "reflections": reflections, "course": COURSE, "granularity": GRANULARITY}
    return Chain(**{**fields, **changes})


def _at(label: Any, start: int, effect: Any = None) -> Reflection:
    return Reflection(label, start, start + 5, "words", None, effect)


def _of(chains: Sequence[Chain]) -> ReflectionStatistics:
    return statistics(count(chains))


def test_nothing_has_no_rates() -> None:
    found = statistics(added([]))
    assert found.overall.chains == 0 and found.overall.per_1000_tokens is None and found.overall.net_gain is None
    assert not found.teachers and not found.lengths and not found.difficulty
    assert list(found.correctness) == list(LABELS) and found.correctness["summary"].raw.value is None
    assert _of([_chain()]).overall.per_1000_tokens == 0  # none found, in 100 tokens


def test_labels_effects_and_places_by_hand() -> None:
    found = _of(
        [
            _chain("correct", _at("hesitation", 0), _at("hesitation", 999, "effective"), _at("verification", 500, "idle")),
            _chain("incorrect", _at("hesitation", 100, "harmful"), teacher="other", granularity=GRANULARITY._replace(tokens=300)),
            _chain("error"),
        ]
    )
    hesitation = found.overall.labels["hesitation"]
    assert (hesitation.reflections, hesitation.chains, hesitation.share, hesitation.per_1000_tokens) == (3, 2, 0.666666667, 6.0)
    assert hesitation.effects == {"effective": 1, "harmful": 1, "changing": 0, "idle": 0, "unknown": 1}
    assert hesitation.net_gain == 0 and found.overall.labels["verification"].net_gain == 0
    assert found.teachers["main"].net_gain == 0.5 and found.teachers["other"].net_gain == -1
    assert found.overall.reflections == 4 and found.overall.per_1000_tokens == 8 and found.overall.tokens == 500
    assert found.positions["hesitation"] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1] and found.positions["verification"].index(1) == 5
    assert found.overall.verdicts == {"correct": 1, "incorrect": 1, "unsure": 0, "error": 1}
    assert found.overall.languages == {"en": 0.75, "zh": 0.25} and found.overall.approaches == {"cases": 3}


def test_means_are_over_the_chains_that_have_a_value() -> None:
    late = COURSE._replace(overthinking=0.5, first_right=None, thoughts=6)
    found = _of([_chain(course=late), _chain(course=late._replace(overthinking=0.25)), _chain("incorrect")])
    assert found.overall.course.overthinking == Mean(chains=2, mean=0.375)
    assert found.overall.course.first_right == Mean(chains=1, mean=0.25)
    assert found.overall.course.thoughts == Mean(chains=3, mean=5.0)
    assert found.overall.course.underthinking == Mean(chains=0, mean=None)
    assert found.overall.skipped == Mean(chains=3, mean=0.25) and found.overall.expansion == Mean(chains=3, mean=1.5)


def test_lengths_are_banded_by_doublings() -> None:
    tokens = (0, 1, 2, 3, 4, 127, 128)
    found = _of([_chain(granularity=GRANULARITY._replace(tokens=number)) for number in tokens])
    assert [(band.tokens_from, band.chains) for band in found.lengths] == [(0, 1), (1, 1), (2, 2), (4, 1), (64, 1), (128, 1)]
    assert found.lengths[0].per_1000_tokens is None


def test_difficulty_is_what_the_other_tries_say() -> None:
    # Of four tries one is right: for it none of three others is, for the wrong ones one of three is.
    tries = [_chain("correct", _at("summary", 1)), *[_chain("incorrect")] * 3]
    others = [_chain("correct", is_try=False), _chain("unsure"), _chain("error"), _chain("correct", problem="alone")]
    found = [(band.solved_from, band.correct, band.chains) for band in _of([*tries, *others]).difficulty]
    assert found == [(None, True, 1), (0.0, True, 1), (0.2, False, 3)]
    right = next(band for band in _of(tries).difficulty if band.correct)
    assert isinstance(right, DifficultyBand) and right.labels["summary"] == 1 and right.per_1000_tokens == 10


def test_lone_tries_are_compared_within_their_subject() -> None:
    def lone(place: int, subject: str | None, status: str, *reflections: Reflection) -> Chain:
        return _chain(status, *reflections, problem=f"{subject}{place}", subject=subject)

    check = _at("verification", 3)
    easy = [lone(place, "easy", "correct", *[check] * (place < 2)) for place in range(10)]
    hard = [lone(place, "hard", "incorrect", *[check] * (place > 1)) for place in range(10)]
    found = _of([*easy, *hard]).correctness["verification"]
    assert (found.chains, found.correct, found.chains_without, found.correct_without) == (10, 2, 10, 8)
    assert found.raw.value == pytest.approx(-0.6) and found.by_difficulty.value == 0  # each subject is all right or all wrong
    assert (found.by_difficulty.strata, found.by_difficulty.compared) == (2, 20) and found.by_problem.value is None


def test_what_hard_problems_fake_is_gone_at_the_same_problem_and_most_of_it_at_problems_as_hard() -> None:
    """Chains check more at hard problems, where fewer are right; at any problem those that check are right more often, by .15."""
    rng = rng_for(17, "paradox", 0)
    chains = []
    for problem in range(300):
        solved, checked = (0.8, 0.2) if problem % 2 else (0.2, 0.8)
        for _ in range(12):
            checks = rng.random() < checked
            status = "correct" if rng.random() < solved + 0.15 * checks else "incorrect"
            chains.append(_chain(status, *[_at("verification", 3)] * checks, problem=str(problem)))
    found = _of(chains).correctness["verification"]
    assert found.raw.high is not None and found.raw.high < -0.15
    one = found.by_problem
    assert one.low is not None and one.high is not None and 0 < one.low < 0.15 < one.high < 0.25
    assert found.by_difficulty.value is not None and 0 < found.by_difficulty.value < 0.15


def test_tries_at_the_same_problem_by_hand() -> None:
    check = _at("verification", 3)
    first = [_chain("correct", check), _chain("correct", check, check), _chain("incorrect"), _chain("correct")]  # 1 less 1/2
    second = [_chain("incorrect", check, problem="q"), _chain("incorrect", problem="q")]  # 0 less 0
    alone = [_chain("correct", check, problem="r"), _chain("incorrect", check, teacher="other")]  # without one to compare with
    longer = _chain("correct", granularity=GRANULARITY._replace(tokens=128), problem="q")
    found = _of([*first, *second, *alone, longer]).correctness["verification"].by_problem
    assert found.value == pytest.approx(1 * 0.5 / (1 + 0.5), abs=1e-9)  # weights 2·2/4 and 1·1/2
    assert (found.strata, found.compared) == (2, 6)


LABEL = st.sampled_from(LABELS)
REFLECTION = st.builds(_at, LABEL, st.integers(0, 1200), st.sampled_from([None, *EFFECTS]))
SHARE = st.none() | st.floats(0, 1)
CHAIN = st.builds(
    Chain,
    problem_id=st.sampled_from("abcdef"),
    teacher=st.sampled_from(["main", "other"]),
    subject=st.sampled_from([None, "algebra", "\ud800 lone"]),
    status=st.sampled_from(STATUSES),
    is_try=st.booleans(),
    length=st.integers(0, 1000),
    reflections=st.lists(REFLECTION, max_size=4),
    course=st.builds(Course, *[st.integers(0, 3)] * 2, *[SHARE] * 4, *[st.integers(0, 3)] * 2, st.floats(0, 1)),
    granularity=st.builds(
        Granularity,
        st.integers(0, 5000),
        st.integers(0, 3),
        SHARE,
        st.none() | st.floats(0, 99),
        st.lists(
            st.builds(LanguageShare, st.sampled_from(["en", "zh"]), st.floats(0, 1)), max_size=2, unique_by=lambda one: one[0]
        ),
    ),
    approaches=st.lists(st.sampled_from(["cases", "pattern"]), unique=True),
)


@given(st.lists(CHAIN, max_size=12), st.randoms(use_true_random=False))
def test_partitions_add_up_to_the_same_in_any_order(chains: list[Chain], order: random.Random) -> None:
    parts: list[Counts] = [count([chain for chain in chains if chain.problem_id == problem]) for problem in "abcdef"]
    order.shuffle(parts)
    shuffled = order.sample(chains, len(chains))
    whole = _of(chains)
    assert statistics(added([added(parts[:3]), added(parts[3:])])) == whole == _of(shuffled)
    assert whole.overall.reflections == sum(len(chain.reflections) for chain in chains)
    assert sum(map(sum, whole.positions.values())) == whole.overall.reflections
    for label, one in whole.correctness.items():
        tries = sum(band.chains for band in whole.difficulty)
        assert one.chains + one.chains_without == tries >= one.by_difficulty.compared >= 0, label
        assert one.by_problem.compared <= tries


def test_memory_does_not_grow_with_subjects_and_problems() -> None:
    found = count([_chain(problem=str(number), subject=str(number)) for number in range(3000)])
    assert len(found.cells) <= 20 * SUBJECTS and len(found.by_key) < 60
