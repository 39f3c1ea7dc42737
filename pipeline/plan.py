"""From a recipe to objects: every name is resolved here, before Beam starts, and workers receive the objects."""

import collections
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

import tomli_w

from filters.checkers import CHECKERS
from filters.checkers.checker import Checker
from filters.conditions import KINDS, impossible
from filters.selection import NOT_CONTAMINATED, RULES
from filters.tokens import WORDS, Tokenizer, tokenizer
from generators.families import FAMILIES
from generators.judge import TEACHER as JUDGE
from generators.judge import JudgeTable
from generators.prompts.rendering import Prompts
from generators.prompts.table import PromptTable
from generators.records import expand
from generators.sources import SOURCES, Source
from generators.sources.files import FileSource
from generators.sources.gym import GymChecker
from generators.strategies.strategy import StrategyTable
from generators.tagger import TEACHER as TAGGER
from generators.tagger import TaggerTable
from generators.teachers import TEACHERS
from generators.teachers.client import PaidTable
from generators.teachers.mixture import MixtureTable
from generators.teachers.recorded import RecordedTable
from generators.teachers.reward import RewardTable
from generators.teachers.solver import SolverTable
from generators.teachers.table import TeacherTable
from pipeline import benchmarks, storage
from pipeline.earlier import EarlierRelease, earlier_release
from pipeline.exports import CONFIGS
from pipeline.plugins import Strategies
from pipeline.recipes import build, pick, suggestion
from schemas.annotation import LABELS
from schemas.errors import UserError
from schemas.recipe import Recipe, Section, Select, Table

Aside = Mapping[str, JudgeTable | TaggerTable]


def all_checkers() -> dict[str, Checker]:
    """Return the filters' checkers, and those that a problem source brings with it."""
    of_families = {name: family.checker for name, family in FAMILIES.items() if family.checker is not None}
    return {**CHECKERS, **of_families, "gym": GymChecker()}


@dataclasses.dataclass(frozen=True)
class Plan:
    """A recipe with its names resolved."""

    recipe: Recipe
    sources: tuple[Source, ...]
    teachers: Mapping[str, TeacherTable]
    strategy: StrategyTable
    prompts: Prompts
    judge: JudgeTable | None
    tagger: TaggerTable | None
    checkers: Mapping[str, Checker]
    tokenizer: Tokenizer
    earlier: tuple[EarlierRelease, ...]  # whose rows count as kept
    resolved: Table  # the recipe with defaults filled in, paths as written

    @property
    def asked(self) -> list[str]:
        """Names of the teachers that the strategy asks."""
        return _asked(self.strategy, self.teachers, self.aside)

    @property
    def aside(self) -> Aside:
        """The tables that name a teacher who gives no samples, by their own names."""
        return _aside(self.judge, self.tagger)

    @property
    def sampling_teachers(self) -> dict[str, TeacherTable]:
        """The asked teachers and the parts of asked mixtures, these first."""
        asked = {name: self.teachers[name] for name in self.asked}
        parts = {part: self.teachers[part] for table in asked.values() if isinstance(table, MixtureTable) for part in table.weights}
        return {**parts, **{name: table for name, table in asked.items() if name not in parts}}

    @property
    def asked_as(self) -> dict[str, str]:
        """The mixture that each of its parts answers for.

        Where one of the parts is asked by itself or by another mixture, all of them stand for themselves.
        """
        mixtures = {name: table.weights for name in self.asked if isinstance(table := self.teachers[name], MixtureTable)}
        answering = collections.Counter([*self.asked, *(part for weights in mixtures.values() for part in weights)])
        apart = {name: weights for name, weights in mixtures.items() if all(answering[part] == 1 for part in weights)}
        return {part: name for name, weights in apart.items() for part in weights}

    @property
    def used_teachers(self) -> dict[str, TeacherTable]:
        """Those that give samples, those that the strategy asks beside them, the judge and the tagger."""
        names = dict.fromkeys([*self.strategy.others, *(table.teacher for table in self.aside.values())])
        return {**{name: self.teachers[name] for name in names}, **self.sampling_teachers}

    @property
    def judge_counts(self) -> bool:
        """Whether a judgement that a sample holds becomes its verdict."""
        return self.judge is not None and self.judge.counts

    @property
    def published(self) -> Table:
        """The resolved recipe without what decides no row: where files and weights lie, and the outer loop around it."""
        table = {key: value for key, value in self.resolved.items() if key not in ("root", "loop")}
        table["dedupe"] = {**table["dedupe"], "against": [release.sha256 for release in self.earlier]}
        table["annotate"] = {"tokenizer": self.tokenizer.name}
        teachers = {
            name: {key: value for key, value in of_one.items() if key != "weights"} for name, of_one in table["teacher"].items()
        }
        return {**table, "teacher": teachers}

    @property
    def recipe_sha256(self) -> str:
        """Hash of the published recipe."""
        return hashlib.sha256(json.dumps(self.published, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def is_limited(self) -> bool:
        """Whether some problems are left out on purpose, so that recorded completions of others are no rejects."""
        return self.recipe.split is not None

    def to_toml(self) -> str:
        """Return the resolved recipe as TOML, with its hash in a comment."""
        return f"# Resolved by starbeam; sha256 {self.recipe_sha256}\n{tomli_w.dumps(self.resolved)}"

    def check_inputs(self) -> None:
        """Raise UserError where an input file is not there, or a benchmark cannot be read."""
        for table in (*self.sources, *self.teachers.values()):
            if isinstance(table, FileSource | RecordedTable):
                expand(table.path)
        benchmarks.read(self.recipe)

    def check_keys(self) -> None:
        """Raise UserError where a key that a teacher needs is not in the environment."""
        for name, table in self.used_teachers.items():
            if isinstance(table, PaidTable):
                table.check_key(name)


def resolve(recipe: Recipe) -> Plan:
    """Return the plan of a recipe.  Raises UserError at the first name or value that does not fit."""
    sources = tuple(
        pick(_rooted(table, recipe.root), "source", SOURCES, _of_many("problems", index, len(recipe.problems)))
        for index, table in enumerate(recipe.problems)
    )
    teachers = {
        name: pick(_rooted(table, recipe.root), "kind", TEACHERS, f"[teacher.{name}]") for name, table in recipe.teacher.items()
    }
    strategy = pick({"kind": "repeated", **recipe.strategy}, "kind", Strategies(), "[strategy]")
    _check_names("[strategy] teachers", strategy.teachers or (), teachers)
    prompt = build(PromptTable, _rooted(recipe.prompt, recipe.root), "[prompt]")
    _check_mixtures(teachers)
    judge = None if recipe.judge is None else build(JudgeTable, recipe.judge, "[judge]")
    tagger = None if recipe.tagger is None else build(TaggerTable, recipe.tagger, "[tagger]")
    aside = _aside(judge, tagger)
    for name, table in aside.items():
        _check_talks(f"[{name}] teacher", table.teacher, teachers)
    _check_select(recipe.select)
    _check_names("[export] configs", recipe.export.configs, CONFIGS)
    _check_names("[export.ablation] labels", recipe.export.ablation.labels, dict.fromkeys(LABELS))
    checkers = all_checkers()
    for source in sources:
        if isinstance(source, FileSource):
            _check_names("[problems] checker", (source.checker,), checkers)
    plan = Plan(
        recipe=recipe,
        sources=cast(tuple[Source, ...], sources),
        teachers=teachers,
        strategy=strategy,
        prompts=prompt.load(),
        judge=judge,
        tagger=tagger,
        checkers=checkers,
        tokenizer=_tokenizer(recipe),
        earlier=_earlier(recipe),
        resolved=_resolved(recipe, sources, teachers, strategy, prompt, aside),
    )
    if not plan.asked:
        raise UserError(
            "[teacher]: none is left for the strategy to ask; add one beside judge and tagger, or name it in [strategy] teachers"
        )
    _check_solvers(tuple(plan.sampling_teachers), teachers, [str(table["source"]) for table in recipe.problems])
    _check_shuffled(plan)
    _check_others(plan)
    _check_prompt(plan, prompt)
    _check_budget(plan)
    _check_benchmarks(recipe)
    return plan


def _aside(judge: JudgeTable | None, tagger: TaggerTable | None) -> Aside:
    return {name: table for name, table in (("judge", judge), ("tagger", tagger)) if table is not None}


def _asked(strategy: StrategyTable, teachers: Mapping[str, TeacherTable], aside: Aside) -> list[str]:
    """Return the teachers that a strategy names; without names all, but for judge, tagger and the parts of mixtures."""
    if strategy.teachers:
        return list(strategy.teachers)
    parts = {part for table in teachers.values() if isinstance(table, MixtureTable) for part in table.weights}
    others = {JUDGE, TAGGER, *(table.teacher for table in aside.values()), *parts, *strategy.others}
    return [name for name, table in teachers.items() if name not in others and not isinstance(table, RewardTable)]


def _check_talks(where: str, name: str, teachers: Mapping[str, TeacherTable]) -> None:
    _check_names(where, (name,), teachers)
    if not _is_talker(teachers[name]):
        paid = ", ".join(kind for kind, table in TEACHERS.items() if issubclass(table, PaidTable) and table is not RewardTable)
        raise UserError(
            f"{where} = {name!r} is of kind {teachers[name].kind!r}, which answers no such question; name one of kind {paid}"
        )


def _is_talker(table: TeacherTable) -> bool:
    """Return whether a teacher answers whatever it is asked in words."""
    return isinstance(table, PaidTable) and not isinstance(table, RewardTable)


def _check_shuffled(plan: Plan) -> None:
    for name, table in plan.sampling_teachers.items() if plan.strategy.shuffle_choices else ():
        if isinstance(table, RecordedTable):
            raise UserError(
                f"[strategy] shuffle_choices = true: teacher {name!r} is recorded, and was asked in the order of its file; "
                "leave shuffle_choices out, or name other teachers in [strategy] teachers"
            )


def _check_others(plan: Plan) -> None:
    """Raise UserError where the strategy asks teachers that cannot answer it, or too many."""
    strategy = plan.strategy
    for name in strategy.others:
        if name not in plan.teachers or not isinstance(plan.teachers[name], PaidTable):
            paid = [known for known, table in plan.teachers.items() if isinstance(table, PaidTable)]
            raise UserError(
                f"[strategy] asks teacher {name!r}, which is none that is paid; name one of {', '.join(paid) or 'none'}"
            )
    for name, table in plan.sampling_teachers.items():
        if isinstance(table, RewardTable):
            where = "[strategy] teachers" if name in plan.asked else "weights of a mixture"
            raise UserError(f"teacher {name!r}, in {where}, is a reward model, which gives scores and no samples; take it out")
    strategy.check_teachers({**{name: plan.teachers[name] for name in strategy.others}, **plan.sampling_teachers})
    if strategy.asks_one_teacher and len(plan.asked) > 1:
        raise UserError(
            f"[strategy] kind = {strategy.kind!r} asks one teacher and has {', '.join(plan.asked)}; "
            "name one in [strategy] teachers, or a teacher of kind 'mixture' over several"
        )


def _check_prompt(plan: Plan, prompt: PromptTable) -> None:
    """Raise UserError where a teacher cannot be asked in the prompt's words."""
    for name, table in plan.sampling_teachers.items():
        if prompt.form == "completion" and isinstance(table, PaidTable) and table.api == "chat":
            raise UserError(
                f"[prompt] form = 'completion' is a text to go on from, and teacher {name!r} is talked to; "
                f'set [teacher.{name}] api = "completions", or form = "chat"'
            )
    if not plan.prompts.tells_hints and any(asks.role == "rationalize" for asks in plan.strategy.asks):
        raise UserError(
            f"[strategy] kind = {plan.strategy.kind!r} tells answers, and prompt {plan.prompts.words.name!r} has no words for it; "
            "add hinted to it, or set rationalize = 0"
        )


def _check_mixtures(teachers: Mapping[str, TeacherTable]) -> None:
    for name, table in teachers.items():
        if isinstance(table, MixtureTable):
            single = {part: other for part, other in teachers.items() if not isinstance(other, MixtureTable)}
            _check_names(f"[teacher.{name}] weights", tuple(table.weights), single)


def _check_budget(plan: Plan) -> None:
    """Raise UserError where a budget cannot be kept: each call needs a price and a bound."""
    budget = plan.recipe.budget
    if budget is None:
        return
    paid = {name: table for name, table in plan.used_teachers.items() if isinstance(table, PaidTable)}
    for name, table in paid.items():
        if table.price is None:
            raise UserError(
                f"budget = {budget:g} needs a price of each teacher; add [teacher.{name}] price = {{ input = …, output = … }}"
            )
    samplings = {f"[teacher.{name}]": table.sampling for name, table in paid.items() if name in plan.sampling_teachers}
    samplings |= {f"[{name}]": table.sampling for name, table in plan.aside.items()}
    for where, sampling in samplings.items():
        if sampling.bound is None:
            raise UserError(f"budget = {budget:g} needs a bound of each completion; add max_tokens to {where} sampling")


def _check_select(select: Select) -> None:
    """Raise UserError at the first unknown name, rule without its bound, and bound without its rule."""
    _check_names("[select] keep", select.keep, RULES)
    for number, condition in enumerate(select.reflections, 1):
        for name, known in KINDS.items():
            if (given := getattr(condition, name)) is not None:
                _check_names(f"[[select.reflections]] number {number}: {name}", (given,), dict.fromkeys(known))
    if (why := impossible(select.reflections)) is not None:
        raise UserError(f"[[select.reflections]] {why}")
    for name, rule in RULES.items():
        bounds = [key for key in rule.keys if getattr(select, key) not in (None, ())]
        if name in select.keep and rule.keys and not bounds:
            raise UserError(f"[select] keep = {name!r} needs {' or '.join(rule.keys)}; add it to [select], or take the rule out")
        if name not in select.keep and bounds:
            raise UserError(f"[select] {bounds[0]} counts by the rule {name!r} alone; add the rule to keep, or take the key out")


def _check_benchmarks(recipe: Recipe) -> None:
    if NOT_CONTAMINATED in recipe.select.keep and recipe.decontaminate is None:
        raise UserError(
            f"[select] keep = {NOT_CONTAMINATED!r} needs benchmarks to look for; "
            'add [decontaminate] benchmarks = ["test.jsonl"], or take the rule out'
        )


def _of_many(name: str, index: int, count: int) -> str:
    return f"[{name}]" if count == 1 else f"[[{name}]] number {index + 1}"


def _rooted(table: Table, root: str) -> Table:
    path = table.get("path")
    return {**table, "path": storage.rooted(path, root)} if isinstance(path, str) else table


def _tokenizer(recipe: Recipe) -> Tokenizer:
    given = recipe.annotate.tokenizer
    return tokenizer(given if given == WORDS else storage.rooted(given, recipe.root))


def _earlier(recipe: Recipe) -> tuple[EarlierRelease, ...]:
    if recipe.dedupe.within > recipe.dedupe.threshold:
        raise UserError(
            f"[dedupe] within_problem = {recipe.dedupe.within:g} is over threshold = {recipe.dedupe.threshold:g}; "
            "samples of one problem count as copies at least as soon as those of two: lower it"
        )
    releases = tuple(earlier_release(storage.rooted(url, recipe.root)) for url in recipe.dedupe.against)
    for (name, _), count in collections.Counter((release.name, release.sha256) for release in releases).items():
        if count > 1:
            raise UserError(f"[dedupe] against: names release {name!r} twice; take one out")
    return releases


def _check_names(where: str, names: tuple[str, ...], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{where} = {name!r} is unknown; {suggestion(name, list(known))}")


def _check_solvers(asked: tuple[str, ...], teachers: Mapping[str, TeacherTable], sources: list[str]) -> None:
    for name in asked:
        for source in sources:
            if isinstance(teachers[name], SolverTable) and source not in FAMILIES:
                raise UserError(
                    f"[teacher.{name}] kind = 'solver' cannot solve problems of source {source!r}; "
                    f"it solves {', '.join(FAMILIES)}: give these problems another teacher"
                )


def _resolved(
    recipe: Recipe,
    sources: tuple[Section, ...],
    teachers: Mapping[str, TeacherTable],
    strategy: StrategyTable,
    prompt: PromptTable,
    aside: Aside,
) -> dict[str, Any]:
    table = recipe.model_dump(mode="json", exclude_none=True)
    table["problems"] = [_as_written(source, raw) for source, raw in zip(sources, recipe.problems, strict=True)]
    table["teacher"] = {name: _as_written(teacher, recipe.teacher[name]) for name, teacher in teachers.items()}
    written = _as_written(strategy.model_copy(update={"teachers": None}), recipe.strategy)
    table["strategy"] = {**written, "teachers": _asked(strategy, teachers, aside)}
    table["prompt"] = _as_written(prompt, recipe.prompt)
    return table | {name: one.model_dump(mode="json", exclude_none=True) for name, one in aside.items()}


def _as_written(section: Section, raw: Table) -> Table:
    """Return a section with its defaults filled in and its path as the recipe has it."""
    table = section.model_dump(mode="json", exclude_none=True)
    return {**table, "path": raw["path"]} if "path" in raw else table
