"""Rendering: what a teacher is told, what is stored, and that no text from outside is ever read as a template."""

import dataclasses
import itertools
import json
import pickle
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.prompts.files import Chat, Completion, Exemplar
from generators.prompts.rendering import PLAIN, Prompts, Words, compiled, language_of
from generators.prompts.table import PromptTable
from schemas.problem import CHOICE_LABELS, Problem
from tests.builders import a_problem

AUTO = [
    PromptTable.model_validate({"name": "auto", "language": language, "form": form, "exemplars": exemplars}).load()
    for language in ("auto", "en", "zh")
    for form in ("chat", "completion")
    for exemplars in (0, 3)
]
HINTED = ["choice", "code", "math", "numeric", "text", "countdown"]  # checkers; countdown has no file, so the plain words
TEXTS = st.one_of(
    st.text(max_size=60), st.sampled_from(["{hint}", "{question}{options}", "{0} %s {{}} \\1 {answer}", "一共 {hint}"])
)
OPTIONS = st.lists(TEXTS, max_size=6)


def a_choice(**changes: Any) -> Problem:
    fields = {"question": "Which is wet?", "choices": ("sand", "rain"), "answer": "B", "checker": "choice"}
    return a_problem(**{**fields, **changes})


def prompts_of(**changes: Any) -> Prompts:
    table = {"form": "chat", "language": "en", "exemplars": 0, **changes}
    return PromptTable.model_validate(table).load()


@given(st.sampled_from(AUTO), st.sampled_from(HINTED), TEXTS, OPTIONS, TEXTS)
def test_what_is_stored_of_a_hinted_prompt_is_the_plain_one(
    prompts: Prompts, checker: str, question: str, options: list[str], hint: str
) -> None:
    problem = a_problem(question=question, checker=checker, choices=options)
    plain, hinted = prompts.question(problem), prompts.hinted(problem, hint)
    assert hinted.messages == plain.messages and hinted.hint == hint and hinted.role == "rationalize"
    assert hint in hinted.sent[-1].content and question in plain.sent[-1].content
    assert all(option in hinted.sent[-1].content for option in options)
    assert hinted.stop == plain.stop and hinted.prompt_id != plain.prompt_id


@given(st.sampled_from(AUTO), st.sampled_from(HINTED[1:]), TEXTS, OPTIONS, TEXTS)
def test_texts_from_outside_stand_in_a_prompt_as_they_are(
    prompts: Prompts, checker: str, question: str, options: list[str], hint: str
) -> None:
    def content(question: str, options: Sequence[str], hint: str) -> str:
        problem = a_problem(question=question, checker=checker, choices=options, language="en")
        return prompts.hinted(problem, hint).sent[-1].content

    listed = "".join(f"\n({label}) {option}" for label, option in zip(CHOICE_LABELS, options, strict=False))
    values = {"\0": question, "\1": hint, "\n(A) \2": listed}
    expected = re.sub("\0|\1|\n\\(A\\) \2", lambda found: values[found[0]], content("\0", "\2", "\1"))
    assert content(question, options, hint) == expected


def test_the_plain_words_are_the_question_and_its_options() -> None:
    prompts = Prompts()
    prompt = prompts.question(a_choice())
    assert prompt.messages == (("user", "Which is wet?\n(A) sand\n(B) rain"),) and prompt.told is None and prompt.stop == ()
    assert prompts.hinted(a_problem(), "42").sent == (("user", "What is 6 × 7?\n\n(The answer is 42.)"),)
    assert prompts == PromptTable().load() == PromptTable(name="plain").load()
    assert prompts.overhead(False) == 0 and prompts.files == {}
    assert prompt.prompt_id is not None and prompt.prompt_id.startswith("plain/any/chat/plain/0-shot@")


@pytest.mark.parametrize(("language", "mark"), [("en", " (CORRECT)"), ("zh", "（正确）")])
@pytest.mark.parametrize("form", ["chat", "completion"])
def test_the_right_option_is_marked_in_the_question_and_in_the_exemplars(language: str, mark: str, form: str) -> None:
    prompts = prompts_of(name="choice_v1", language=language, form=form, exemplars=3)
    prompt = prompts.hinted(a_choice(), "B")
    told = "\n".join(one.content for one in prompt.sent if one.role == "user")
    lines = [line for line in told.splitlines() if line.startswith("(")]
    marked = [line for line in lines if line.endswith(mark)]
    assert len(marked) == 4 and marked[-1] == f"(B) rain{mark}" and len(lines) > 8
    assert mark not in str(prompt.messages) and "/marked/3-shot@" in str(prompt.prompt_id)
    assert all(mark not in str(one.sent) for one in (prompts.question(a_choice()), prompts.shuffled(a_choice(), 1, 5)))
    free = prompts.hinted(a_choice(choices=()), "B")  # options in the question's own text: nothing can be marked
    assert "/hinted/" in str(free.prompt_id) and mark not in str(free.sent)
    assert all("/hinted/" in str(prompts.hinted(a_choice(), hint).prompt_id) for hint in ("AB", "C", "rain", ""))  # no label of it


def test_exemplars_are_turns_or_text_and_are_not_stored() -> None:
    chat = prompts_of(name="numeric_v1", exemplars=2).question(a_problem())
    assert [one.role for one in chat.sent] == ["user", "assistant", "user", "assistant", "user"]
    assert chat.sent[-1:] == chat.messages == prompts_of(name="numeric_v1").question(a_problem()).sent
    text = prompts_of(name="numeric_v1", exemplars=2, form="completion").hinted(a_problem(), "42")
    assert [one.role for one in text.sent] == ["user"] and text.messages[0].content == "Q: What is 6 × 7?\nA:"
    shots = text.sent[0].content.split("\n\n")
    assert len(shots) == 3 and shots[0].endswith("The answer is 53.") and "? (53)\nA: " in shots[0]
    assert shots[-1] == "Q: What is 6 × 7? (42)\nA:" and text.stop == ("\nQ:",)


@given(st.sampled_from(AUTO), st.lists(st.text(max_size=9), min_size=2, max_size=7), st.integers(1, 50))
def test_shuffled_options_stand_in_the_order_that_is_named(prompts: Prompts, options: list[str], number: int) -> None:
    problem = a_choice(choices=options)
    prompt = prompts.shuffled(problem, 3, number)
    named = [options[place] for place in prompt.choice_order]
    assert prompt._replace(choice_order=()) == prompts.question(dataclasses.replace(problem, choices=tuple(named)))._replace(
        problem=problem
    )
    assert prompts.shuffled(problem, 3, 0) == prompts.question(problem)


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("What is it?", None, "en"),
        ("一共几个？", None, "zh"),
        ("Read 一 aloud.", None, "zh"),
        ("りんごは何個？", None, "en"),
        ("一共几个？", "en-GB", "en"),
        ("What is it?", "zh-Hans-CN", "zh"),
        ("What is it?", "ZH_tw", "zh"),
        ("Quoi ?", "fr", "en"),
        ("一共几个？", "", "zh"),
    ],
)
def test_the_language_is_what_the_problem_says_or_shows(question: str, language: str | None, expected: str) -> None:
    problem = a_problem(question=question, language=language)
    assert language_of(problem) == expected
    prompts = prompts_of(name="auto", language="auto")
    assert str(prompts.question(problem).prompt_id).startswith(f"numeric_v1/{expected}/")
    assert str(prompts_of(name="auto", language="zh").question(problem).prompt_id).startswith("numeric_v1/zh/")


SHOT = Exemplar(question="1 + 1?", rationale="One and one.", answer="2")
FORM: dict[str, Any] = {
    "system": "Be brief.",
    "plain": "Q: {question}{options}!",
    "hinted": "{question} ({hint})",
    "marked": "{question}.",
    "mark": " *",
    "reply": "{rationale} {answer}.",
}
CHANGES: list[dict[str, Any]] = [
    *({key: f"{text}x"} for key, text in FORM.items()),
    {"exemplars": []},
    {"exemplars": [SHOT, SHOT]},
    *({"exemplars": [SHOT.model_copy(update={key: "other"})]} for key in ("question", "rationale", "answer")),
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_any_word_decides_the_digest_and_the_id(change: dict[str, Any]) -> None:
    def prompts(exemplars: list[Exemplar], **form: str) -> Prompts:
        return Prompts(Words("mine", "", {"en": compiled("mine", "en", Chat(**form), exemplars)}))

    before, after = prompts([SHOT], **FORM), prompts(**{"exemplars": [SHOT], **FORM, **change})
    assert before.digest != after.digest and before.digest == prompts([SHOT], **FORM).digest

    def ids(one: Prompts) -> list[str | None]:
        choice = a_choice()
        return [one.question(choice).prompt_id, one.hinted(choice, "B").prompt_id, one.hinted(choice, "rain").prompt_id]

    assert ids(before) != ids(after) and ids(before) == ids(prompts([SHOT], **FORM))


def test_stop_and_separator_decide_too() -> None:
    one = Completion(plain="{question}", stop=("Q",))
    others = [one.model_copy(update={"stop": ("A",)}), one.model_copy(update={"separator": "#"})]
    ids = {compiled("mine", "en", form, [SHOT]).plain.prompt_id for form in (one, *others)}
    assert len(ids) == 3


def test_every_setting_decides_the_digest() -> None:
    tables: list[dict[str, Any]] = [
        {},
        *({"name": name} for name in ("auto", "numeric_v1", "text_v1")),
        *({"name": "auto", **one} for one in ({"language": "zh"}, {"form": "completion"}, {"exemplars": 1})),
    ]
    digests = [PromptTable.model_validate(table).load().digest for table in tables]
    assert len(set(digests)) == len(tables)


def test_overhead_is_what_is_sent_beyond_question_and_options() -> None:
    for prompts in AUTO:
        for hinted in (False, True):
            sizes = [0]
            for checker, language in itertools.product([*HINTED, *([] if hinted else ["proof"])], ("en", "zh")):
                problem = a_problem(question="", checker=checker, language=language)
                prompt = prompts.hinted(problem, "") if hinted else prompts.question(problem)
                sizes.append(sum(len(one.content.encode()) for one in prompt.sent))
            marked = prompts.hinted(a_choice(question="", choices=("", "")), "A") if hinted else None
            sizes += [] if marked is None else [sum(len(one.content.encode()) for one in marked.sent) - 2 * len("\n(A) ")]
            assert max(sizes) - len("（正确）".encode()) <= prompts.overhead(hinted) <= max(sizes)


def test_prompts_travel_to_workers() -> None:
    for prompts in (Prompts(), AUTO[-1]):
        again = pickle.loads(pickle.dumps(prompts))
        assert again.digest == prompts.digest and again.question(a_choice()) == prompts.question(a_choice())
        assert json.loads(json.dumps(again.files)) == prompts.files
    assert PLAIN.wording(a_problem()).hinted is not None
