"""Which languages a chain is in, without its code and LaTeX."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.languages import languages, shares
from tests.linear_time import assert_linear


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("She has four eggs.", {"en": 1}),
        ("小明有四个苹果", {"zh": 1}),
        ("所以 answer 是四个", {"en": 2 / 7, "zh": 5 / 7}),
        ("Über façade naïve", {"en": 1}),
        ("りんごが四つあります", {"ja": 1}),
        ("사과가 네 개 있다", {"ko": 1}),
        ("У неё четыре яблока", {"ru": 1}),
        ("لديها أربع تفاحات", {"ar": 1}),
        ("three яблока", {"en": 0.5, "ru": 0.5}),
        (r"设 $\text{area}$ 为 \(x + yz\)，则 \frac{1}{2}", {"zh": 1}),
        (r"\[\text{all of it}\]", {}),
        ("```python\nreturn the_value\n```\n答案是四", {"zh": 1}),
        ("代码 `print(value)` 正确", {"zh": 1}),
        ("x + y = 42, αβ ≤ π", {}),
        ("I ate a pie", {"en": 1}),
        ("48/2 = 24", {}),
        ("", {}),
    ],
)
def test_shares_are_of_the_words(text: str, found: dict[str, float]) -> None:
    assert dict(shares(text)) == pytest.approx(found)


@given(
    st.lists(st.sampled_from(["two words", "四个苹果", "два слова", "$x$", "1 + 2", "```a b```"]) | st.text(max_size=8), max_size=6)
)
def test_shares_sum_to_one_the_larger_first(parts: list[str]) -> None:
    text = "\n".join(parts)
    found = shares(text)
    assert not found or sum(one.share for one in found) == pytest.approx(1)
    assert [one.share for one in found] == sorted((one.share for one in found), reverse=True)
    assert shares(f"\n {text} ") == found
    assert languages([text, ""]) == [found, []]


@pytest.mark.load
@pytest.mark.parametrize("unit", ["$", "`", "```", "\\(", "\\[", "\\begin{", "a", "四", "あ四", "$$a", "\\a"])
def test_time_is_linear(unit: str) -> None:
    assert_linear(shares, unit * 3_000, unit * 30_000)
