"""A problem: what is asked, and how an answer to it is judged."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import pyarrow as pa

from schemas.identity import content_id

# The longest contexts of open teachers are 131,072 tokens and a token is rarely over 8 bytes of UTF-8, so a text
# over this could not be asked, nor have been answered.
MAX_TEXT_BYTES = 1 << 20

CHOICE_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem.  Its id is a hash of question and choices, not of the gold: mending a gold keeps the paid samples."""

    problem_id: str
    question: str
    answer: str | None = None  # the gold answer as text; None where there is none
    checker: str  # the name of the checker that judges answers
    choices: tuple[str, ...] = ()  # option texts; the labels are A, B, C, … in this order
    tests: str | None = None  # source text of the tests, for code
    source: str  # where the problem comes from: the recipe's source name, or a file's name
    subject: str | None = None
    language: str | None = None  # BCP 47, such as "en" or "zh"
    metadata: str = "{}"  # a JSON object, open-ended

    @classmethod
    def of(
        cls,
        *,
        question: str,
        answer: str | None,
        checker: str,
        source: str,
        choices: Sequence[str] = (),
        tests: str | None = None,
        subject: str | None = None,
        language: str | None = None,
        metadata: str = "{}",
    ) -> Self:
        """Return the problem with its id filled in."""
        return cls(
            problem_id=content_id("problem", question, *choices),
            question=question,
            answer=answer,
            checker=checker,
            choices=tuple(choices),
            tests=tests,
            source=source,
            subject=subject,
            language=language,
            metadata=metadata,
        )


PROBLEM_SCHEMA = pa.schema(
    [
        pa.field("problem_id", pa.string()),
        pa.field("question", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("checker", pa.string()),
        pa.field("choices", pa.list_(pa.field("element", pa.string()))),
        pa.field("tests", pa.string()),
        pa.field("source", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("language", pa.string()),
        pa.field("metadata", pa.string()),
    ]
)
