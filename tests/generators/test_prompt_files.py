"""Prompt files: the project's own say what they should, and each mistake in a user's is one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from filters.provers import PROVERS
from filters.steps import check as check_steps
from generators.prompts.files import MAX_FILE_BYTES, Chat, parse, parts_of, shipped, shipped_text
from generators.prompts.table import BY_CHECKER, PromptTable
from generators.teachers.teacher import Prompt
from schemas.errors import UserError
from tests.builders import a_problem

CASES = [
    pytest.param(checker, language, form, id=f"{checker}-{language}-{form}")
    for checker in BY_CHECKER
    for language in ("en", "zh")
    for form in ("chat", "completion")
]


def test_the_projects_files_are_those_of_the_checkers() -> None:
    assert shipped() == sorted(BY_CHECKER.values()) and set(BY_CHECKER) == set(CHECKERS)


@pytest.mark.parametrize(("checker", "language", "form"), CASES)
def test_every_exemplar_is_judged_right_and_its_steps_hold(checker: str, language: str, form: str) -> None:
    words = parse(shipped_text(BY_CHECKER[checker]), "").languages[language]
    assert len(words.exemplars) == 3
    for exemplar in words.exemplars:
        if checker == "proof" and not PROVERS[json.loads(exemplar.tests or "")["prover"]].installed():
            continue
        problem = a_problem(
            question=exemplar.question, answer=exemplar.answer, checker=checker, choices=exemplar.options, tests=exemplar.tests
        )
        response = _reply_of(checker, language, form, exemplar.question)
        verdict = CHECKERS[checker].check(problem, response)
        assert verdict.status == "correct", (exemplar.question, verdict)
        assert checker in ("code", "proof") or not check_steps(response, problem, verdict).flags, exemplar.question


def _reply_of(checker: str, language: str, form: str, question: str) -> str:
    """Return an exemplar's reply as a teacher is shown it."""
    table = {"name": BY_CHECKER[checker], "language": language, "form": form, "exemplars": 3}
    prompt: Prompt = PromptTable.model_validate(table).load().question(a_problem(question="?"))
    if form == "chat":
        place = next(place for place, one in enumerate(prompt.sent) if one.content.startswith(question))
        return prompt.sent[place + 1].content
    (text,) = prompt.sent
    (asked,) = prompt.messages
    shot = next(one for one in text.content.split(prompt.stop[0].strip()) if one.startswith((question, f" {question}")))
    return shot.partition(asked.content.rpartition("?")[2])[2].strip()


@pytest.mark.parametrize("checker", BY_CHECKER)
def test_a_hint_is_told_in_every_language_and_form_but_of_a_proof(checker: str) -> None:
    for words in parse(shipped_text(BY_CHECKER[checker]), "").languages.values():
        for form in (words.chat, words.completion):
            assert form is not None and (form.hinted is None) == (checker == "proof")
            assert (form.marked is None) == (checker != "choice")


MINE: dict[str, Any] = {
    "en": {
        "chat": {"system": "Be brief.", "plain": "Solve: {question}", "hinted": "Solve: {question}, {hint}"},
        "exemplars": [{"question": "1 + 1?", "rationale": "One and one.", "answer": "2"}],
    }
}


def _load(folder: Path, file: dict[str, Any] | bytes, **table: Any) -> Any:
    path = folder / "mine.toml"
    path.write_bytes(file if isinstance(file, bytes) else tomli_w.dumps(file).encode())
    return PromptTable.model_validate({"path": str(path), **table}).load()


def test_a_users_file_is_used_for_every_problem(tmp_path: Path) -> None:
    prompts = _load(tmp_path, MINE, exemplars=1)
    prompt = prompts.hinted(a_problem(question="一加一？", checker="countdown"), "2")
    assert prompt.messages == (("system", "Be brief."), ("user", "Solve: 一加一？"))
    roles = [(one.role, one.content) for one in prompt.sent]
    assert roles[1:3] == [("user", "Solve: 1 + 1?, 2"), ("assistant", "One and one.\n\n2")] and roles[0] == prompt.messages[0]
    assert prompt.prompt_id.startswith("mine/en/chat/hinted/1-shot@") and list(prompts.files) == ["mine"]


def _with(key: str, value: Any) -> dict[str, Any]:
    file = json.loads(json.dumps(MINE))
    here = file
    *parents, last = key.split(".")
    for name in parents:
        here = here[int(name)] if name.isdecimal() else here[name]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return dict(file)


MISTAKES: list[tuple[dict[str, Any] | bytes, dict[str, Any], str]] = [
    (b"en = {", {}, "not TOML: "),
    (b"\xff", {}, "not UTF-8 at byte 0; save it as UTF-8"),
    (b"a = 1\n" * (MAX_FILE_BYTES // 6 + 1), {}, f"over {MAX_FILE_BYTES} bytes"),
    (b"about = 'nothing'", {}, "a prompt file needs one of [en.chat], [en.completion], [zh.chat] and [zh.completion]; add it"),
    (_with("en.chat.plian", "x"), {}, "unknown key 'en.chat.plian'; take it out"),
    (_with("fr", {}), {}, "unknown key 'fr'"),
    (_with("en.chat.plain", None), {}, "'en.chat.plain' is missing; add it"),
    (_with("en.chat.plain", 5), {}, "en.chat.plain: Input must be a valid string; mend it"),
    (_with("en.chat.plain", "Solve it."), {}, "en.chat.plain: must hold {question} once; mend it"),
    (_with("en.chat.plain", "{question} {question}"), {}, "en.chat.plain: must hold {question} once; mend it"),
    (_with("en.chat.plain", "{question} {options}{options}"), {}, "en.chat.plain: must hold {options} once at most; mend it"),
    (_with("en.chat.plain", "{question} {hint}"), {}, "en.chat.plain: must not hold {hint}; mend it"),
    (_with("en.chat.system", "Solve {question}"), {}, "en.chat.system: must not hold {question}; mend it"),
    (_with("en.chat.plain", "{question} {optoins}"), {}, "holds {optoins}, which stands for nothing; did you mean {options}?"),
    (_with("en.chat.hinted", "{question}"), {}, "en.chat.hinted: must hold {hint} once; mend it"),
    (_with("en.chat.reply", "{rationale}"), {}, "en.chat.reply: must hold {answer} once; mend it"),
    (_with("en.chat.stop", ["x"]), {}, "unknown key 'en.chat.stop'"),
    (_with("en.completion", {"plain": "{question}"}), {}, "'en.completion.stop' is missing; add it"),
    (
        _with("en.completion", {"plain": "{question}", "stop": [""]}),
        {},
        "en.completion.stop.0: String must have at least 1 character",
    ),
    (_with("en.exemplars.0.answer", None), {}, "'en.exemplars.0.answer' is missing; add it"),
    (MINE, {"language": "zh"}, "[prompt] language = 'zh': prompt file "),
    (MINE, {"form": "completion"}, "has no [en.completion]; add it, or take the other"),
    (MINE, {"exemplars": 2}, "has 1 in 'en'; ask for fewer, or add more to a file of your own"),
]


@pytest.mark.parametrize(("file", "table", "message"), MISTAKES, ids=[message[:40] for *_, message in MISTAKES])
def test_a_mistake_is_one_line(tmp_path: Path, file: dict[str, Any] | bytes, table: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        _load(tmp_path, file, **table)
    assert message in str(error.value) and "\n" not in str(error.value) and "mine.toml" in str(error.value)


@pytest.mark.parametrize("path", ["gone.toml", "memory://gone.toml", "nowhere://x.toml", ".", "\0"])
def test_a_file_that_is_not_there_is_one_line(path: str) -> None:
    with pytest.raises(UserError, match=r"^\[prompt\] path = .*; relative paths start from"):
        PromptTable(path=path).load()


@given(st.text(max_size=40))
def test_any_template_is_taken_apart_without_loss(text: str) -> None:
    parts = parts_of(text)
    assert "".join(f"{{{part}}}" if place % 2 else part for place, part in enumerate(parts)) == text


def test_words_in_braces_that_are_no_placeholder_are_words() -> None:
    form = Chat(plain=r"{question} Write \boxed{answers}, {x} and \frac{1}{2}.")
    assert parts_of(form.plain)[1::2] == ["question"]


def test_names_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"name = 'numeric' is unknown; known: plain, auto, choice_v1, "):
        PromptTable(name="numeric").load()
    for table in ({"exemplars": 1}, {"form": "completion"}):
        with pytest.raises(UserError, match="the plain words have none; set name to auto or to a file"):
            PromptTable.model_validate(table).load()
