"""Prompt files: the words around a question as TOML, by language and by form, with exemplars and a version for a told answer.

In a template {question} stands for the question and {options} for its options, each on a line of its own with a line break before
it, nothing where there are none.  A template without {options} has them right behind the question.
"""

import difflib
import importlib.resources
import json
import re
import tomllib
from typing import Annotated

import fsspec
from pydantic import AfterValidator, Field, ValidationError, model_validator

from schemas.errors import UserError
from schemas.problem import CHOICE_LABELS
from schemas.recipe import Section

MAX_FILE_BYTES = 1 << 20  # as a recipe, it is written by hand
SUFFIX = ".toml"
PLACEHOLDERS = ("question", "options", "hint", "rationale", "answer")
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PLACEHOLDERS)})\}}")
_LIKE_ONE = re.compile(r"(?<!\w)\{(\w{1,20})\}")  # `\boxed{answers}` is none


def parts_of(template: str) -> list[str]:
    """Return a template's words and the names of its placeholders in turn, words first and last."""
    return _PLACEHOLDER.split(template)


def _holding(*needed: str, allowed: tuple[str, ...] = ()) -> AfterValidator:
    """Return the rule that a template holds each of `needed` once, and of the others only those that are `allowed`."""

    def check(template: str) -> str:
        names = parts_of(template)[1::2]
        for name in PLACEHOLDERS:
            if names.count(name) > 1 or (name in needed and name not in names):
                raise ValueError(f"must hold {{{name}}} {'once' if name in needed else 'once at most'}")
            if name in names and name not in (*needed, *allowed):
                raise ValueError(f"must not hold {{{name}}}")
        for seen in _LIKE_ONE.findall(template):
            close = difflib.get_close_matches(seen, PLACEHOLDERS, n=1, cutoff=0.7)
            if seen not in PLACEHOLDERS and close:
                raise ValueError(f"holds {{{seen}}}, which stands for nothing; did you mean {{{close[0]}}}?")
        return template

    return AfterValidator(check)


class Form(Section):
    """The words of one language in one form."""

    plain: Annotated[str, _holding("question", allowed=("options",))]
    hinted: Annotated[str, _holding("question", "hint", allowed=("options",))] | None = None  # the answer is told
    marked: Annotated[str, _holding("question", allowed=("options",))] | None = None  # told by a mark on the right option
    mark: str = Field(" (CORRECT)", min_length=1)
    reply: Annotated[str, _holding("answer", allowed=("rationale",))] = "{rationale}\n\n{answer}"  # of an exemplar


class Chat(Form):
    """Words for a model that is talked to."""

    system: Annotated[str, _holding()] = ""


class Completion(Form):
    """Words for a model that goes on from a text."""

    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)  # else it asks itself the next question
    separator: str = "\n\n"  # between exemplars


class Exemplar(Section):
    """A question with a good answer."""

    question: str = Field(min_length=1)
    options: tuple[str, ...] = Field((), max_length=len(CHOICE_LABELS))
    rationale: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    tests: str | None = None  # what a checker of code or proofs judges the answer by


class Language(Section):
    """The words of one language."""

    chat: Chat | None = None
    completion: Completion | None = None
    exemplars: tuple[Exemplar, ...] = ()


class PromptFile(Section):
    """A prompt file."""

    about: str = Field("", max_length=200)
    en: Language | None = None
    zh: Language | None = None

    @model_validator(mode="after")
    def _has_words(self) -> "PromptFile":
        if not any(one.chat or one.completion for one in self.languages.values()):
            raise ValueError("a prompt file needs one of [en.chat], [en.completion], [zh.chat] and [zh.completion]")
        return self

    @property
    def languages(self) -> dict[str, Language]:
        """Return the languages that are there."""
        return {name: one for name, one in (("en", self.en), ("zh", self.zh)) if one is not None}


def shipped() -> list[str]:
    """Return the names of the project's own files."""
    folder = importlib.resources.files("generators.prompts")
    return sorted(one.name.removesuffix(SUFFIX) for one in folder.iterdir() if one.name.endswith(SUFFIX))


def shipped_text(name: str) -> bytes:
    """Return the text of one of the project's own files."""
    return (importlib.resources.files("generators.prompts") / f"{name}{SUFFIX}").read_bytes()


def read_text(path: str) -> bytes:
    """Return the text of the user's own file, a path or an fsspec URL.  Raises UserError."""
    try:
        with fsspec.open(path, "rb") as file:
            data: bytes = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError, ImportError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else " ".join(str(error).split())[:300]
        raise UserError(
            f"[prompt] path = {path!r}: {why}; relative paths start from the recipe's `root`, or the current directory"
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise UserError(f"[prompt] path = {path!r}: over {MAX_FILE_BYTES} bytes; a prompt file has at most these")
    return data


def parse(data: bytes, where: str) -> PromptFile:
    """Return the prompt file in a TOML text.  Raises UserError with the first mistake in it."""
    try:
        table = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not TOML: {error}; mend that line") from error
    try:
        return PromptFile.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        raise UserError(f"{where}: unknown key {key!r}; take it out, or see the files of the project (`starbeam list` names them)")
    if first["type"] == "missing":
        raise UserError(f"{where}: {key!r} is missing; add it")
    said = first["msg"].removeprefix("Value error, ").replace(" should", " must")
    raise UserError(f"{where}: {key}: {said}; mend it" if key else f"{where}: {said}; add it")
