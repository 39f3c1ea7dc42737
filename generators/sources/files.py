"""Problems from files: JSON lines or Parquet with a field map."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from generators.records import (
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    FieldError,
    Record,
    json_text,
    lookup,
    optional_text_at,
    read_records,
    text_at,
)
from schemas.problem import CHOICE_LABELS, Problem
from schemas.recipe import Section
from schemas.reject import Reject


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from error
    if groups != 1:
        raise ValueError(f"must hold exactly one group, as in '#### (.+)$', not {groups}")
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


def apply_pattern(pattern: str | None, text: str) -> str:
    """Return the group of the pattern's last match, or the text itself without a pattern.  Raises FieldError where none matches."""
    if pattern is None:
        return text
    matches = re.findall(pattern, text, re.MULTILINE)
    if not matches:
        raise FieldError("answer_unmatched", f"the answer field does not match answer_pattern {pattern!r}")
    group = str(matches[-1]).strip()
    if not group:
        raise FieldError("answer_unmatched", f"the group of answer_pattern {pattern!r} is empty in the answer field")
    return group


class ProblemMap(Section):
    """Where a problem's parts are in a record: dotted paths, `name[]` for the items of a list."""

    question: str = "question"
    answer: str = Field("answer", description="the gold; an empty path where the file has none")
    choices: str | None = Field(None, description="a list of option texts, such as question.choices[].text")
    tests: str | None = None
    subject: str | None = None
    language: str | None = None
    metadata: tuple[str, ...] = Field((), description="fields to keep beside the problem")


class FileSource(Section):
    """`[problems]` from a file, a glob of files, or a URL of either."""

    source: Literal["jsonl", "parquet"]
    path: str
    map: ProblemMap = ProblemMap()
    answer_pattern: Pattern | None = Field(None, description="one group; its last match in the answer field is the gold")
    checker: str = Field(description="`starbeam list` names them")

    @model_validator(mode="after")
    def _named_for_what_it_is(self) -> Self:
        suffixes = PARQUET_SUFFIXES if self.source == "parquet" else JSON_SUFFIXES
        if not self.path.endswith(suffixes):
            raise ValueError(f"path {self.path!r} must end in {' or '.join(suffixes)} for source = {self.source!r}")
        return self

    def problems(self, seed: int, limit: int | None) -> Iterator[Problem | Reject]:
        """Yield a problem or a reject for every record, the first `limit` records only where one is given."""
        for count, record in enumerate(read_records(self.path, self._columns())):
            if count == limit:
                return
            yield record if isinstance(record, Reject) else self._problem(record)

    def _columns(self) -> list[str]:
        paths = [
            self.map.question,
            self.map.answer,
            self.map.choices,
            self.map.tests,
            self.map.subject,
            self.map.language,
        ]
        return columns_of([path for path in paths if path] + list(self.map.metadata))

    def _problem(self, record: Record) -> Problem | Reject:
        fields, field_map = record.fields, self.map
        try:
            question = text_at(fields, field_map.question)
            answer = optional_text_at(fields, field_map.answer or None)
            return Problem.of(
                question=question,
                answer=None if answer is None else apply_pattern(self.answer_pattern, answer),
                checker=self.checker,
                choices=choices_at(fields, field_map.choices),
                tests=optional_text_at(fields, field_map.tests),
                source=record.source,
                subject=optional_text_at(fields, field_map.subject),
                language=optional_text_at(fields, field_map.language),
                metadata=_metadata(fields, field_map.metadata),
            )
        except FieldError as error:
            return record.reject("problem", error.reason, str(error))


def columns_of(paths: Sequence[str]) -> list[str]:
    """Return the top-level fields that dotted paths can name: the whole path, for a field with dots in its name, and its head."""
    return sorted({name for path in paths for name in (path, path.partition(".")[0].removesuffix("[]"))})


def choices_at(fields: dict[str, Any], path: str | None) -> list[str]:
    """Return the option texts at a path, empty without one.  Raises FieldError where they are not a list of 2 to 26 texts."""
    if path is None:
        return []
    choices = lookup(fields, path)
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise FieldError("wrong_type", f"field {path!r} is not a list of texts")
    if not 2 <= len(choices) <= len(CHOICE_LABELS):
        raise FieldError("wrong_choices", f"field {path!r} has {len(choices)} options, not 2 to {len(CHOICE_LABELS)}")
    return choices


def _metadata(fields: dict[str, Any], paths: Sequence[str]) -> str:
    if not paths:
        return "{}"
    return json_text({path: lookup(fields, path) for path in paths}, sort_keys=True, separators=(",", ":"))
