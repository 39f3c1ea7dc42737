"""How a chain comes to its answer, and what it says again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from filters.effects import effects
from filters.repetition import loops, superficial
from filters.verify import verify
from schemas.annotation import Course, Label, Reflection
from tests.builders import a_problem


def course_of(chain: str, *reflections: Reflection, answer: str | None = "17") -> Course:
    problem = a_problem(answer=answer)
    (found,) = effects([chain], [list(reflections)], [problem], verify([problem], [chain], CHECKERS))[1]
    return found


def reflection(chain: str, words: str, label: Label = "hesitation") -> Reflection:
    return Reflection(label, chain.index(words), chain.index(words) + len(words), words, None, None)


def test_the_places_of_a_right_chain() -> None:
    chain = "So the answer is 17. Wait. So the answer is 12. No, wait. So the answer is 17. I checked it twice. The answer is 17."
    found = course_of(chain)
    first, last = chain.index(" Wait") - 1, chain.index(" I checked") - 1
    assert (found.answers, found.changes) == (4, 2)
    assert found.first_right == first / len(chain)
    assert found.settled == last / len(chain)
    assert found.overthinking == pytest.approx(1 - last / len(chain))
    assert found.underthinking is None


def test_the_places_of_a_wrong_chain() -> None:
    chain = "So the answer is 17. Wait, one is missing. So the answer is 12."
    found = course_of(chain)
    assert found.underthinking == pytest.approx(1 - (chain.index(" Wait") - 1) / len(chain))
    assert found.overthinking is None
    assert course_of("So the answer is 12.").underthinking == 0  # never right: no right thought was left
    assert course_of("So the answer is 12.", answer=None).underthinking is None


def test_thoughts() -> None:
    chain = "Let me go back. Or else: another way. Alternatively, one more."
    labels: tuple[tuple[str, Label], ...] = (("Let me go back", "backtracking"), ("another way", "alternative"))
    both = [reflection(chain, words, label) for words, label in labels]
    assert course_of(chain).thoughts == 1
    assert course_of(chain, *both, both[1]._replace(label="backtracking")).thoughts == 3
    assert course_of(chain, reflection(chain, "another way", "verification")).thoughts == 1


def test_an_empty_chain() -> None:
    assert course_of("") == Course(0, 0, None, None, None, 0.0, 1, 0, 0.0)


def test_sentences_that_are_said_again() -> None:
    assert loops("It has 5 red boxes. Wait, it has 5 red boxes! So, it has 5 red boxes.\nIt has 6 red boxes.") == 2 / 4
    assert loops("That is right. That is right. Yes.") == 0  # too short to say anything again
    assert loops("每箱有5个红苹果。所以每箱有5个红苹果。每箱有6个红苹果。") == 1 / 3


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_shares_are_shares(chain: str) -> None:
    assert 0 <= loops(chain) <= 1
    found = course_of(chain, Reflection("hesitation", 0, len(chain), None, "x", None))
    assert 0 <= found.superficial <= 1


@pytest.mark.parametrize(
    ("chain", "count"),
    [
        ("3 * 4 = 12. Wait, let me check. Yes, 3 * 4 = 12. That holds.", 1),
        ("3 * 4 = 12. Wait, let me check. 12 / 4 = 3.", 0),
        ("3 * 4 = 12. Wait, there are 5.", 0),
        ("3 * 4 = 12. Wait, let me check.\n\nYes, it holds.\n\nThen 8 come.", 0),
        ("3 * 4 = 12.\n\nWait, let me check.\n\n12 / 4 = 3.", 0),
        ("What of 8? Wait, let me check. There are 8 and 6.", 1),
    ],
)
def test_a_reflection_that_adds_no_expression_is_superficial(chain: str, count: int) -> None:
    words = chain[chain.index("Wait") : chain.index(".", chain.index("Wait")) + 1]
    assert superficial(chain, [reflection(chain, words)], "There are 6 boxes.") == count


def test_reflections_that_follow_each_other_are_one() -> None:
    chain = "3 * 4 = 12. Hmm, is it? Wait, let me check. 12 / 4 = 3. Hmm, so it is. Let me go on."
    found = [reflection(chain, words) for words in ("Hmm, is it?", "Wait, let me check.", "Hmm, so it is.")]
    assert superficial(chain, found, "") == 1
    assert superficial(chain, found[:1], "") == 0
    assert superficial(chain.replace("12 / 4 = 3", "It is"), found, "") == 3
