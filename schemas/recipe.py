"""The recipe: one TOML file that says everything that decides a dataset.

`Section` is the base of every table in it.  A source, teacher or strategy is a Section beside the code that it drives;
this file holds the outer shape and the tables that need no plug.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Table = dict[str, Any]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]  # safe in a path, a URL and a column


class Section(BaseModel):
    """A frozen table of the recipe.  Unknown keys and wrong types are errors, nothing is coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


# Two samples of one problem share its words and numbers, so that less of a difference is one of wording.  Rewordings of a
# solution share .6 to .9 of their shingles (one number in ten changed .88, three words .89, half of the numbers .56; measured).
WITHIN_PROBLEM = 0.7


class Dedupe(Section):
    """`[dedupe]`: what counts as a near-copy."""

    threshold: float = Field(
        0.8, gt=0, le=1, description="exact Jaccard similarity of the word 5-gram sets at which two chains are copies"
    )
    within_problem: float | None = Field(
        None,
        gt=0,
        le=1,
        description=f"… at which two samples of one problem are; left out, {WITHIN_PROBLEM}, or threshold if lower",
    )
    against: tuple[str, ...] = Field((), description="earlier releases, by folder or URL: their rows count as kept")

    @property
    def within(self) -> float:
        """The threshold of two samples of one problem."""
        return min(WITHIN_PROBLEM, self.threshold) if self.within_problem is None else self.within_problem


class Benchmark(Section):
    """A file of questions that models are tested by."""

    path: str = Field(description="JSON lines (.gz too) or Parquet: a path, glob or URL")
    name: Name | None = Field(None, description="left out, the file's name without its ending")
    field: str | None = Field(
        None, min_length=1, description="of the record that holds what is asked; left out, that of [decontaminate]"
    )
    id: str | None = Field(None, min_length=1, description="field of the record that names the item; left out, its row, from 1")


class Decontaminate(Section):
    """`[decontaminate]`: benchmarks whose items are looked for in the problems."""

    benchmarks: tuple[Benchmark, ...] = Field(min_length=1, description="paths, or tables with path, name, field and id")
    field: str = Field("question", min_length=1, description="field of a benchmark's records that holds what is asked")
    chains: bool = Field(False, description="look for them in the chains too")

    @field_validator("benchmarks", mode="before")
    @classmethod
    def _paths_are_tables(cls, given: Any) -> Any:
        return tuple({"path": one} if isinstance(one, str) else one for one in given) if isinstance(given, list) else given

    @property
    def tables(self) -> tuple[Benchmark, ...]:
        """The benchmarks, each with its field."""
        return tuple(one.model_copy(update={"field": one.field or self.field}) for one in self.benchmarks)


class Condition(Section):
    """`[[select.reflections]]`: how many reflections of a kind a row has."""

    label: str | None = Field(None, description="of the reflections that count; left out, any")
    effect: str | None = Field(None, description="of those that count, `unknown` for none; left out, any")
    min: int | None = Field(None, ge=1, description="so many at the least")
    max: int | None = Field(None, ge=0, description="so many at the most")
    max_per_1000_tokens: float | None = Field(None, ge=0, description="… for a thousand of its chain's tokens")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min is None and self.max is None and self.max_per_1000_tokens is None:
            raise ValueError("must have min, max or max_per_1000_tokens")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not be over max")
        return self


class Balance(Section):
    """`[select.balance]`: how many rows a pattern keeps beside the rarest one."""

    by: Literal["labels", "approaches", "effects"] = Field(
        description="what makes a row's pattern: the set of its reflections' labels, of its approaches, of its reflections' effects"
    )
    ratio: float = Field(ge=1, description="no pattern keeps more rows than so many times those of the rarest")
    floor: int = Field(
        100,
        ge=1,
        description="rows that the rarest counts as at the least; chance moves a count of a hundred by a tenth (1/√n)",
    )


class Select(Section):
    """`[select]`: what a row must be to be kept, and how many a problem may keep."""

    keep: tuple[str, ...] = Field(("correct", "not_duplicate"), description="rules that all must hold; `starbeam list` names them")
    min_vote_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="for the rule majority: its votes among all samples of the problem; with half of them no other answer has more",
    )
    distinct: Literal["equations"] | None = Field(
        None, description="of a problem's rows with the same equations in the same order keep one, the shortest chain"
    )
    max_per_problem: int | None = Field(None, ge=1, description="rows that one problem keeps at most")
    prefer: Literal["shortest", "diverse"] = Field(
        "shortest",
        description="what fills max_per_problem: the shortest chains; or the shortest one, then each time the one that differs "
        "most from those already chosen, by its equations, then its approach, then its words",
    )
    balance: Balance | None = Field(
        None, description="keep patterns in proportion, when all else is decided; left out, nobody does"
    )
    reflections: tuple[Condition, ...] = Field(
        (), description="for the rule reflections: conditions that all must hold; `starbeam list reflections` has their keys"
    )
    max_loops: float | None = Field(
        None, ge=0, le=1, description="for the rule not_looping: share of its sentences that all but repeat an earlier one"
    )
    max_skipped: float | None = Field(
        None, ge=0, le=1, description="for the rule steps_shown: share of its results that have no way to them"
    )
    max_overthinking: float | None = Field(
        None, ge=0, le=1, description="for the rule not_overthinking: share of the chain after the right answer is settled"
    )
    min_tokens: int | None = Field(None, ge=1, description="for the rule length: of the chain, by the tokenizer of [annotate]")
    max_tokens: int | None = Field(None, ge=1, description="for the rule length")

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        if self.min_tokens is not None and self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise ValueError("min_tokens must not be over max_tokens")
        return self


class Ablation(Section):
    """`[export.ablation]`: which reflections `sft_stripped` leaves out and `sft_moved` moves."""

    labels: tuple[str, ...] = Field(
        ("verification", "hesitation", "backtracking", "alternative", "self_correction"),
        min_length=1,
        description="of the reflections; subgoals, backward chaining and summaries are left out, since what follows builds on them",
    )


class Export(Section):
    """`[export]`: the configs that a release holds.  `rejected` is always written."""

    configs: tuple[str, ...] = Field(("full", "sft"), description="`starbeam list` names them")
    ablation: Ablation = Ablation()


class Annotate(Section):
    """`[annotate]`: by what chains are measured."""

    tokenizer: str = Field(
        "words_v1",
        min_length=1,
        description="what lengths are counted with: words_v1 (words, digits by threes, signs) or a path or URL of a tokenizer.json",
    )


class Split(Section):
    """`[split]`: a part of the problems, drawn by a hash of each problem; the same share and seed give the same parts."""

    share: float = Field(gt=0, lt=1, description="of the problems that are held out")
    part: Literal["held_out", "rest"]


class Recipe(Section):
    """A recipe as written, with the tables that plug-ins read still raw."""

    name: Name = Field(description="the dataset's name")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="of all randomness")
    partitions: int = Field(64, ge=1, le=99_999, description="output shards; a partition should be tens of megabytes")
    root: str = Field("", description="folder or URL that relative paths start from; empty for the current directory")
    budget: float | None = Field(
        None,
        gt=0,
        description="money that the run's teachers may cost in all, in the unit of their prices; the run stops before it",
    )
    round: int = Field(0, ge=0, le=9999, description="of an outer loop, which sets it")
    problems: tuple[Table, ...] = Field(min_length=1, description="one source, or several as [[problems]]")
    teacher: dict[Name, Table] = Field(min_length=1, description="one table a teacher")
    strategy: Table = Field(default_factory=lambda: {"kind": "repeated"}, description="how problems become samples")
    prompt: Table = Field(default_factory=dict, description="the words in which problems are asked")
    split: Split | None = Field(None, description="take a part of the problems; left out, all")
    judge: Table | None = Field(None, description="who is asked where a checker is unsure; left out, nobody is")
    tagger: Table | None = Field(None, description="who is asked to tag chains beside the rules; left out, nobody is")
    annotate: Annotate = Annotate()
    dedupe: Dedupe = Dedupe()
    decontaminate: Decontaminate | None = Field(None, description="look for items of benchmarks; left out, nobody does")
    select: Select = Select()
    export: Export = Export()
    loop: Table | None = Field(None, description="for `starbeam star`: rounds of sampling and training")
