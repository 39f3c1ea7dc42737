"""What a chain states as its answer, and what only others say."""

import pytest

from filters.answer_key import AnswerKey
from filters.checkers import CHECKERS
from filters.reflections import tag
from filters.stated_answers import stated_answers
from filters.verify import verify
from tests.builders import a_problem
from tests.linear_time import assert_linear


def _stated(chain: str) -> list[str]:
    problem = a_problem(answer="17")
    (verdict,) = verify([problem], [chain], CHECKERS)
    return [one.text for one in stated_answers(chain, tag(chain), AnswerKey(problem, verdict))]


@pytest.mark.parametrize(
    "said",
    [
        "Tom said the answer is 12.",
        "Tom said, the answer is 12.",
        'Tom said: "The answer is 12."',
        "She claimed that the answer is 12.",
        "The teacher told us the answer is 12.",
        "According to the book, the answer is 12.",
        r"According to the answer key the answer is \boxed{12}.",
        "小明说答案是12。",
        "根据课本，答案是12。",
    ],
)
@pytest.mark.parametrize("before", ["The answer is 17. ", "So the answer is 17. Wait, let me check. "])
def test_what_others_say_is_not_stated(before: str, said: str) -> None:
    assert _stated(f"{before}{said} Wait. The answer is 17.") == ["17", "17"]


@pytest.mark.parametrize(
    "said",
    [
        "According to the calculations, the answer is 12.",
        "According to step 2, the total is 24, so the answer is 12.",
        "Tom said that he ate 7, so the answer is 12.",
        "Tom said it is 7, but the answer is 12.",
        "题目告诉我们有5个，所以答案是12。",
        "也就是说，答案是12。",
    ],
)
def test_what_follows_from_what_others_say_is_stated(said: str) -> None:
    assert _stated(said) == ["12"]


@pytest.mark.load
@pytest.mark.parametrize("unit", ["said ", "tom said, the answer is 12 ", "according to the ", "a,", "据书，"])
def test_time_is_linear(unit: str) -> None:
    assert_linear(_stated, unit * (1_000 // len(unit)), unit * (10_000 // len(unit)))
