"""`[prompt]`: the words in which problems are asked."""

import hashlib
from typing import Any, Literal

from pydantic import Field, model_validator

from generators.prompts.files import SUFFIX, Language, parse, read_text, shipped, shipped_text
from generators.prompts.rendering import PLAIN, Prompts, Words, compiled
from schemas.errors import UserError
from schemas.recipe import Name, Section

# Checker → the file that asks for answers as the checker reads them.
BY_CHECKER = {
    "choice": "choice_v1",
    "code": "code_v1",
    "math": "math_v1",
    "numeric": "numeric_v1",
    "proof": "proof_v1",
    "text": "text_v1",
}


class PromptTable(Section):
    """`[prompt]`: the words in which problems are asked."""

    name: Name | None = Field(
        None,
        description="plain, the question as it is (also where it is left out); auto, the file of each problem's checker; or a file",
    )
    path: str | None = Field(None, description="the user's own file, in place of a name")
    language: Literal["auto", "en", "zh"] = Field("auto", description="of the words; auto: the problem's")
    form: Literal["chat", "completion"] = Field("chat", description="completion: a text to go on from, for base models")
    exemplars: int = Field(0, ge=0, description="of the file, shown before each question and not stored with it")

    @model_validator(mode="before")
    @classmethod
    def _is_plain(cls, table: Any) -> Any:
        return {"name": "plain", **table} if isinstance(table, dict) and "path" not in table else table

    @model_validator(mode="after")
    def _names_one(self) -> "PromptTable":
        if self.name is not None and self.path is not None:
            raise ValueError("name and path are two ways to name a file: set one of them")
        return self

    def load(self) -> Prompts:
        """Return what renders problems.  Raises UserError where a file does not serve."""
        if self.path is not None:
            data = read_text(self.path)
            return Prompts(self._words(self.path.rsplit("/", 1)[-1].removesuffix(SUFFIX), data, f"prompt file {self.path}"))
        if self.name == "auto":
            return Prompts(PLAIN, {checker: self._shipped(name) for checker, name in BY_CHECKER.items()})
        return Prompts(self._shipped(self.name or "plain"))

    def _shipped(self, name: str) -> Words:
        if name == PLAIN.name:
            for key, value, default in (("form", self.form, "chat"), ("exemplars", self.exemplars, 0)):
                if value != default:
                    raise UserError(f"[prompt] {key} = {value!r}: the plain words have none; set name to auto or to a file")
            return PLAIN
        if name not in shipped():
            raise UserError(f"[prompt] name = {name!r} is unknown; known: plain, auto, {', '.join(shipped())}, or set path")
        return self._words(name, shipped_text(name), f"prompt file {name}")

    def _words(self, name: str, data: bytes, where: str) -> Words:
        file = parse(data, where)
        languages = file.languages
        if self.language != "auto":
            if self.language not in languages:
                raise UserError(f"[prompt] language = {self.language!r}: {where} has only {', '.join(languages)}; name one of them")
            languages = {self.language: languages[self.language]}
        wordings = {}
        for language, words in languages.items():
            form = words.chat if self.form == "chat" else words.completion
            if form is None:
                raise UserError(
                    f"[prompt] form = {self.form!r}: {where} has no [{language}.{self.form}]; add it, or take the other"
                )
            self._check_exemplars(words, where, language)
            wordings[language] = compiled(name, language, form, words.exemplars[: self.exemplars])
        return Words(name, hashlib.sha256(data).hexdigest(), wordings)

    def _check_exemplars(self, words: Language, where: str, language: str) -> None:
        if self.exemplars > len(words.exemplars):
            raise UserError(
                f"[prompt] exemplars = {self.exemplars}: {where} has {len(words.exemplars)} in {language!r}; "
                "ask for fewer, or add more to a file of your own"
            )
