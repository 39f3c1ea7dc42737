"""What the filters say of a sample.  Each annotation is a column; nothing is dropped on the way to selection."""

from typing import Literal, NamedTuple

import pyarrow as pa

Status = Literal["correct", "incorrect", "unsure", "error"]
STATUSES: tuple[Status, ...] = ("correct", "incorrect", "unsure", "error")


class Verdict(NamedTuple):
    """What a checker says of one response.  `unsure` (could be either) and `error` (could not be judged) never count as correct."""

    status: Status
    extracted: str | None  # the committed answer as it was read, None where there is none
    checker: str  # name with version, such as "numeric_v1"
    reason: str  # a short code, such as "equal", "different", "no_answer", "gold_unreadable"


JUDGE_NAME = "judge_v1"  # what is asked and what is taken for a word; a change of either gets a new version


class Judgement(NamedTuple):
    """What a teacher says of an answer that a checker is unsure of.  It is part of the sample: asking again would cost again."""

    teacher: str  # its name in the recipe
    extracted: str  # the answer that was judged, as the checker read it
    status: Literal["correct", "incorrect"]
    reason: Literal["judge_equivalent", "judge_different"]


class Reflection(NamedTuple):
    """One place where a chain turns on itself.  Offsets are Unicode code points into the chain's text, end exclusive."""

    label: str
    start: int
    end: int
    marker: str | None  # the words that fired, as they stand in the text; None for a structural signal
    effect: str | None  # what it did to the answer; None where nobody has measured it


class Duplicate(NamedTuple):
    """Says that a kept row stands for this one."""

    kind: Literal["exact", "near"]
    kept_id: str
    jaccard: float  # exact similarity of the two shingle sets, 0 to 1; 1 for an exact copy


class Contamination(NamedTuple):
    """Says that a text holds an item of a benchmark."""

    benchmark: str
    item: str  # its id, or its row in the benchmark's file, from 1
    kind: Literal["copy", "variant"]  # a variant has the item's words and other numbers
    overlap: float  # share of the item's own words that stand in the text in runs of eight, 0 to 1; numbers count as the same
    longest_run: int  # own words of the item that stand there in one row; what many items have is no item's own
    field: Literal["question", "chain"]


StepsStatus = Literal["hold", "unchecked", "wrong", "right_answer_wrong_steps"]
StepFlagKind = Literal["wrong_equation", "contradiction", "not_derived", "no_reasoning"]


class StepFlag(NamedTuple):
    """One place where a chain does not hold.  Offsets are Unicode code points into the chain's text, end exclusive."""

    kind: StepFlagKind
    start: int
    end: int
    detail: str  # what was read and what would be right, such as "48/2 = 25: it is 24"


class Steps(NamedTuple):
    """What the step checks say of a chain.  `unchecked` where it states nothing that can be evaluated and no flag was raised."""

    status: StepsStatus
    checked: int  # equations that were evaluated
    flags: list[StepFlag]


class Leak(NamedTuple):
    """Says that a rationalised chain shows that it knew the answer.  Offsets as in `StepFlag`."""

    kind: Literal["quotes_hint", "names_gold_first"]
    start: int
    end: int
    marker: str  # the words themselves


class Chance(NamedTuple):
    """How a problem's right choices compare with blind guessing.  The same for all samples of a problem."""

    options: int
    samples: int
    correct: int
    corrected: float  # (p - 1/k) / (1 - 1/k): 1 all right, 0 as good as guessing, negative worse
    p_value: float  # of at least as many right by guessing: the upper tail of Binomial(samples, 1/k)


class Votes(NamedTuple):
    """The tries of one problem by the answers that they commit to.  A try that commits to none is in no class."""

    classes: list[list[int]]  # places of tries whose answers are equal: the largest class first, of equal ones the earlier

    @property
    def counts(self) -> list[int]:
        """Return the votes of each class."""
        return [len(one) for one in self.classes]

    @property
    def leader(self) -> list[int] | None:
        """Return the class with more votes than any other, None where there is none."""
        counts = self.counts
        return self.classes[0] if counts and (len(counts) == 1 or counts[0] > counts[1]) else None


class Vote(NamedTuple):
    """What the samples of a problem answer, as one of its rows sees it.  Samples that were told the answer have no vote.

    All but `voters` is None where no answer has more votes than any other.
    """

    answer: str | None  # the majority's, as the first of its samples wrote it; a label in the problem's own order of options
    votes: int | None  # samples that give it
    voters: int  # samples that commit to an answer
    share: float | None  # the votes among all samples of the problem that may vote, 0 to 1
    agrees: bool | None  # whether this row gives it; None for a row that was told the answer
    pseudo_gold: str | None  # the answer, where the problem has no gold


VERDICT_TYPE = pa.struct(
    [
        pa.field("status", pa.string()),
        pa.field("extracted", pa.string()),
        pa.field("checker", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
JUDGEMENT_TYPE = pa.struct(
    [
        pa.field("teacher", pa.string()),
        pa.field("extracted", pa.string()),
        pa.field("status", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
REFLECTIONS_TYPE = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                pa.field("label", pa.string()),
                pa.field("start", pa.int64()),
                pa.field("end", pa.int64()),
                pa.field("marker", pa.string()),
                pa.field("effect", pa.string()),
            ]
        ),
    )
)
DUPLICATE_TYPE = pa.struct([pa.field("kind", pa.string()), pa.field("kept_id", pa.string()), pa.field("jaccard", pa.float64())])
CONTAMINATION_TYPE = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                pa.field("benchmark", pa.string()),
                pa.field("item", pa.string()),
                pa.field("kind", pa.string()),
                pa.field("overlap", pa.float64()),
                pa.field("longest_run", pa.int64()),
                pa.field("field", pa.string()),
            ]
        ),
    )
)
STEPS_TYPE = pa.struct(
    [
        pa.field("status", pa.string()),
        pa.field("checked", pa.int64()),
        pa.field(
            "flags",
            pa.list_(
                pa.field(
                    "item",
                    pa.struct(
                        [
                            pa.field("kind", pa.string()),
                            pa.field("start", pa.int64()),
                            pa.field("end", pa.int64()),
                            pa.field("detail", pa.string()),
                        ]
                    ),
                )
            ),
        ),
    ]
)
LEAK_TYPE = pa.struct(
    [pa.field("kind", pa.string()), pa.field("start", pa.int64()), pa.field("end", pa.int64()), pa.field("marker", pa.string())]
)
VOTE_TYPE = pa.struct(
    [
        pa.field("answer", pa.string()),
        pa.field("votes", pa.int64()),
        pa.field("voters", pa.int64()),
        pa.field("share", pa.float64()),
        pa.field("agrees", pa.bool_()),
        pa.field("pseudo_gold", pa.string()),
    ]
)
CHANCE_TYPE = pa.struct(
    [
        pa.field("options", pa.int64()),
        pa.field("samples", pa.int64()),
        pa.field("correct", pa.int64()),
        pa.field("corrected", pa.float64()),
        pa.field("p_value", pa.float64()),
    ]
)
