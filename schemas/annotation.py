"""What the filters say of a sample.  Each annotation is a column; nothing is dropped on the way to selection."""

from typing import Literal, NamedTuple, get_args

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


Label = Literal[
    "verification",
    "backtracking",
    "alternative",
    "hesitation",
    "subgoal",
    "backward_chaining",
    "self_correction",
    "summary",
]
LABELS: tuple[Label, ...] = get_args(Label)
# What the answer was before and after: wrong → right, right → wrong, wrong → another wrong one, the same.
Effect = Literal["effective", "harmful", "changing", "idle"]
EFFECTS: tuple[Effect, ...] = get_args(Effect)


class Reflection(NamedTuple):
    """One place where a chain turns on itself: the sentences that do it.  Offsets are code points into the chain, end exclusive."""

    label: Label
    start: int
    end: int
    marker: str | None  # the words that fired, as they stand in the text; None for a structural signal
    signal: str | None  # the name of the structural signal, where no words fired
    effect: Effect | None  # on the answer; None where none is stated on both sides of it, or the right one is not known


TAGGER_NAME = "tagger_v1"  # what is asked and how a reply is read; a change of either gets a new version


class Tag(NamedTuple):
    """One place where a teacher says that a chain turns on itself.  Offsets as in `Reflection`."""

    label: Label
    start: int
    end: int


class Tagged(NamedTuple):
    """What a teacher says of a chain's reflections.  It is part of the sample: asking again would cost again."""

    teacher: str  # its name in the recipe
    tags: list[Tag] | None  # by start, end and label; None where a reply could not be read
    misquoted: int  # items whose words do not stand in the chain, or no more often than they were said
    mislabelled: int  # items with a label that is none


class Course(NamedTuple):
    """How a chain comes to its answer.  Places are shares of its length in code points, 0 to 1."""

    answers: int  # times that it states a candidate for the final answer
    changes: int  # of these, how many differ from the one before
    first_right: float | None  # where the right answer is first stated; None where it never is, or is not known
    settled: float | None  # where the answer that it ends with is stated for good; None without an answer
    overthinking: float | None  # share of the chain after a right answer is settled; None where it does not end right
    underthinking: float | None  # share of the chain after the right answer was first stated, of chains that end wrong (2501.18585)
    thoughts: int  # it begins one, and each alternative and backtracking one more
    superficial: int  # reflections that add no new expression
    loops: float  # share of the sentences that all but repeat an earlier one


class LanguageShare(NamedTuple):
    """How much of a chain is in a language."""

    language: str
    share: float  # of its words, 0 to 1; two Chinese characters count as one


class Granularity(NamedTuple):
    """How finely a chain goes, by itself and beside the problem's other samples."""

    tokens: int  # of the recipe's tokenizer
    computed: int  # results that it states
    skipped: float | None  # share of those, and of steps never taken, that have no way to them, 0 to 1; None without results
    expansion: float | None  # its tokens by the median of its problem's other samples: above 1 longer, below 1 shorter; None alone
    languages: list[LanguageShare]  # the larger share first


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
                pa.field("signal", pa.string()),
                pa.field("effect", pa.string()),
            ]
        ),
    )
)
TAGGED_TYPE = pa.struct(
    [
        pa.field("teacher", pa.string()),
        pa.field(
            "tags",
            pa.list_(
                pa.field(
                    "item",
                    pa.struct([pa.field("label", pa.string()), pa.field("start", pa.int64()), pa.field("end", pa.int64())]),
                )
            ),
        ),
        pa.field("misquoted", pa.int64()),
        pa.field("mislabelled", pa.int64()),
    ]
)
COURSE_TYPE = pa.struct(
    [
        pa.field("answers", pa.int64()),
        pa.field("changes", pa.int64()),
        pa.field("first_right", pa.float64()),
        pa.field("settled", pa.float64()),
        pa.field("overthinking", pa.float64()),
        pa.field("underthinking", pa.float64()),
        pa.field("thoughts", pa.int64()),
        pa.field("superficial", pa.int64()),
        pa.field("loops", pa.float64()),
    ]
)
GRANULARITY_TYPE = pa.struct(
    [
        pa.field("tokens", pa.int64()),
        pa.field("computed", pa.int64()),
        pa.field("skipped", pa.float64()),
        pa.field("expansion", pa.float64()),
        pa.field(
            "languages",
            pa.list_(pa.field("item", pa.struct([pa.field("language", pa.string()), pa.field("share", pa.float64())]))),
        ),
    ]
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
