"""A teacher that has spoken already: samples in a file, by this project or by anybody."""

import json
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from generators.records import FieldError, Record, lookup, optional_text_at, read_records, text_at
from generators.sources.files import choices_at, columns_of
from generators.teachers.teacher import Completion, FreeTable, Prompt, Recorded, Teacher
from generators.teachers.thoughts import Parts, split_thought
from schemas.identity import content_id
from schemas.recipe import Section, Table
from schemas.reject import Reject


class SampleMap(Section):
    """Where a recorded sample's parts are in a record: dotted paths."""

    question: str = "question"
    choices: str | None = Field(None, description="needed where the problems have choices: they are part of what is asked")
    response: str = "response"
    reasoning: str | None = Field(None, description="left out where the response marks its thought inline, or has none")
    finish_reason: str | None = None


class RecordedTable(FreeTable):
    """`[teacher.NAME]` with kind = "recorded": a file of samples that exist already."""

    kind: Literal["recorded"]
    path: str
    map: SampleMap = SampleMap()
    where: dict[str, str] = Field(
        {}, description="fields and the text or JSON that they must hold, such as { model = 'Sky-T1-27B' }"
    )

    def identity(self) -> Table:
        """Return the table but for its path: what the file holds is in the run."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"path"})

    def records(self, name: str) -> Iterator[Recorded | Reject]:
        """Yield a recorded completion or a reject for every record that passes `where`."""
        field_map = self.map
        paths = [
            field_map.question,
            field_map.choices,
            field_map.response,
            field_map.reasoning,
            field_map.finish_reason,
        ]
        for record in read_records(self.path, columns_of([path for path in paths if path] + list(self.where))):
            if isinstance(record, Reject):
                yield record
            elif self._wanted(record):
                yield self._completion(name, record)

    def _wanted(self, record: Record) -> bool:
        return all(_text(record, field) == value for field, value in self.where.items())

    def _completion(self, name: str, record: Record) -> Recorded | Reject:
        fields, field_map = record.fields, self.map
        try:
            question = text_at(fields, field_map.question)
            choices = choices_at(fields, field_map.choices)
            reasoning = optional_text_at(fields, field_map.reasoning)
            response = text_at(fields, field_map.response)
            parts = split_thought(response) if reasoning is None else Parts(reasoning, response)
            return Recorded(
                problem_id=content_id("problem", question, *choices),
                teacher=name,
                reasoning=parts.reasoning,
                response=parts.response,
                finish_reason=optional_text_at(fields, field_map.finish_reason),
            )
        except FieldError as error:
            return record.reject("sample", error.reason, f"teacher {name!r}: {error}")

    def open(self, name: str, seed: int, recorded: Sequence[Recorded]) -> Teacher:
        """Return the teacher over one partition's completions."""
        return RecordedTeacher(name, recorded)


def _text(record: Record, path: str) -> str | None:
    try:
        value = lookup(record.fields, path)
    except FieldError:
        return None
    return value if isinstance(value, str) else None if value is None else json.dumps(value, default=str)


class RecordedTeacher:
    """Gives the recorded completions of a problem, ordered by the hash of their text, so that the file's order does not matter."""

    def __init__(self, name: str, recorded: Sequence[Recorded]) -> None:
        self.name = name
        self._given: dict[str, int] = {}
        self._of_problem: dict[str, list[Recorded]] = {}
        for completion in recorded:
            self._of_problem.setdefault(completion.problem_id, []).append(completion)
        for completions in self._of_problem.values():
            completions.sort(key=lambda one: content_id(one.reasoning, one.response, one.finish_reason))

    def left(self) -> list[tuple[Recorded, bool]]:
        """Return the completions that were not given, each with whether its problem was asked."""
        return [
            (one, problem_id in self._given)
            for problem_id, of_one in self._of_problem.items()
            for one in of_one[self._given.get(problem_id, 0) :]
        ]

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        """Return n of the problem's completions, fewer where fewer were recorded."""
        problem_id = prompt.problem.problem_id
        self._given[problem_id] = max(first + n, self._given.get(problem_id, 0))
        return [
            Completion(
                teacher=self.name,
                origin="recorded",
                reasoning=one.reasoning,
                response=one.response,
                finish_reason=one.finish_reason,
            )
            for one in self._of_problem.get(problem_id, [])[first : first + n]
        ]
