"""The program that a response means."""

import pytest

from filters.sandbox.sources import MAX_BLOCKS, MAX_SOURCE_BYTES, code_blocks, contexts_of, sources_of
from tests.linear_time import assert_linear


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("no code", []),
        ("```python\na\n```", ["a"]),
        ("x\n```py\na\n```\ny\n~~~python3\nb\n~~~\nz", ["a", "b"]),
        ("```\na\n```", ["a"]),
        ("```python\na\n```\n```\noutput\n```", ["a"]),  # where one is marked, the others are output
        ("```bash\npip\n```\n```json\n{}\n```", []),
        ("```Python\na\n```", ["a"]),
        ("```python title=x\na\n```", ["a"]),
        ("```python\na\nb", ["a\nb"]),  # cut off
        ("````python\na\n```\nb\n````", ["a\n```\nb"]),
        ("```python\ns = '''\n~~~\n'''\n```", ["s = '''\n~~~\n'''"]),
        ("- step:\n  ```python\n  def f():\n      return 1\n  ```", ["def f():\n    return 1"]),
        ("```python\n```", []),
        ("```python\n\n\n```", []),
        ("the ``` mark", []),
    ],
)
def test_blocks(text: str, blocks: list[str]) -> None:
    assert code_blocks(text) == blocks


def test_the_last_block_comes_first_and_then_with_what_stands_before_it() -> None:
    text = "```python\na\n```\nthen\n```python\nb\n```"
    assert sources_of(text, []) == [["b", "a\n\nb"], ["a", "a\n\nb"], ["a\n\nb"], [text]]


def test_a_response_without_a_block_is_code_or_continues_the_header() -> None:
    header = "def f(x):\n    '''Double.'''\n"
    groups = sources_of("return 2 * x", [header])
    assert groups[0] == ["return 2 * x"]
    assert header + "\n    return 2 * x" in [group[0] for group in groups]
    groups = sources_of("    return 2 * x\n\nprint(f(2))\nSo that is it.", [header])
    assert header + "\n    return 2 * x\n" in [group[0] for group in groups]


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_no_text_is_no_source(text: str) -> None:
    assert sources_of(text, ["def f():\n    pass\n"]) == []


def test_size_and_number_are_bounded() -> None:
    assert sources_of("```python\n" + "x" * (MAX_SOURCE_BYTES + 1) + "\n```", []) == []
    assert sources_of("é" * (MAX_SOURCE_BYTES // 2 + 1), []) == []
    groups = sources_of("\n".join(f"```python\n{number}\n```" for number in range(100)), [])
    assert [group[0] for group in groups[:MAX_BLOCKS]] == [str(number) for number in reversed(range(92, 100))]


def test_a_question_is_a_context_where_it_defines_a_function() -> None:
    assert contexts_of("Write a function.") == []
    assert contexts_of("def f(): ...") == ["def f(): ..."]
    question = "Complete it:\n```python\nimport math\ndef f(): ...\n```"
    assert contexts_of(question)[-1] == "import math\ndef f(): ..."


@pytest.mark.load
@pytest.mark.parametrize("unit", ["```", "```python\n", "~~~\n", "`", "\n", "    x\n", "```\na\n```\n"])
def test_time_is_linear(unit: str) -> None:
    def run(text: str) -> None:
        sources_of(text, [])

    assert_linear(run, unit * (10_000 // len(unit)), unit * (100_000 // len(unit)))
