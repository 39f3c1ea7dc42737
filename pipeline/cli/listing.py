"""`starbeam list`."""

from collections.abc import Iterator

import click

from filters import (
    approaches,
    chance,
    contamination,
    effects,
    fingerprints,
    granularity,
    leaks,
    reflections,
    signatures,
    steps,
    votes,
)
from filters.selection import RULES
from generators.judge import JudgeTable
from generators.prompts.files import parse, shipped, shipped_text
from generators.prompts.table import PromptTable
from generators.sources import SOURCES
from generators.tagger import TaggerTable
from generators.teachers import TEACHERS
from pipeline.exports import CONFIGS
from pipeline.plan import all_checkers
from pipeline.plugins import Strategies
from pipeline.recipes import suggestion
from schemas.annotation import JUDGE_NAME, TAGGER_NAME
from schemas.errors import UserError
from schemas.recipe import Annotate, Balance, Condition, Decontaminate, Dedupe, Export, Recipe, Section, Select


@click.command("list")
@click.argument("name", required=False)
def list_command(name: str | None) -> None:
    """List what a recipe can name; with NAME, the keys of that source, teacher, strategy or table, such as `judge` or `recipe`."""
    if name is not None:
        click.echo("\n".join(_keys(name)))
        return
    sections = {
        "problems": {name: _first_line(source) for name, source in SOURCES.items()},
        "teachers": {name: _first_line(teacher) for name, teacher in TEACHERS.items()},
        "strategies": {name: _first_line(strategy) for name, strategy in Strategies().items()},
        "prompts": {
            "plain": "the question as it is",
            "auto": "the file of each problem's checker, plain where there is none",
            **{name: parse(shipped_text(name), name).about for name in shipped()},
        },
        "checkers": {name: f"{checker.name}: {_first_line(type(checker))}" for name, checker in all_checkers().items()},
        "annotators": {
            steps.NAME: "equations and assignments of a chain that do not hold",
            leaks.NAME: "places where a rationalised chain shows that it knew the answer",
            JUDGE_NAME: "a teacher's word on answers that a checker is unsure of, where [judge] names one",
            chance.NAME: "a problem's right choices against guessing",
            votes.NAME: "what most samples of a problem answer; a pseudo-gold where it has no gold",
            reflections.NAME: "places where a chain turns on itself: checks, doubts, other ways, corrections",
            effects.NAME: "what each reflection did to the answer, and how the chain comes to it",
            granularity.NAME: "length in tokens, skipped steps, length beside the problem's other samples, languages",
            approaches.NAME: "how a chain goes at its problem: cases, induction, contradiction, backwards, …",
            TAGGER_NAME: "a teacher's word on the reflections of a chain, where [tagger] names one",
            contamination.NAME: "items of benchmarks that a problem or a chain holds, where [decontaminate] names any",
            fingerprints.NAME: "what exact copies have in common",
            signatures.NAME: "signatures for near-copies",
        },
        "selection rules": {name: rule.meaning for name, rule in RULES.items()},
        "exports": {name: config.meaning for name, config in CONFIGS.items()},
    }
    for title, names in sections.items():
        click.echo(f"{title}:")
        for known, meaning in sorted(names.items()):
            click.echo(f"  {known:<16} {meaning}")


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def _keys(name: str) -> list[str]:
    tables: dict[str, type[Section]] = {
        "recipe": Recipe,
        "judge": JudgeTable,
        "tagger": TaggerTable,
        "prompt": PromptTable,
        "annotate": Annotate,
        "dedupe": Dedupe,
        "decontaminate": Decontaminate,
        "select": Select,
        "reflections": Condition,
        "balance": Balance,
        "export": Export,
        **SOURCES,
        **TEACHERS,
    }
    strategies = Strategies()
    table = tables.get(name) or strategies.get(name)
    if table is None:
        raise UserError(f"{name!r} has no keys; {suggestion(name, [*tables, *strategies])}")
    return [f"{name}: {_first_line(table)}", *_described(table, "  ")]


def _described(section: type[Section], indent: str) -> Iterator[str]:
    for key, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield f"{indent}{key}: a table"
            yield from _described(inner, indent + "  ")
            continue
        default = "needed" if field.is_required() else f"default {field.get_default(call_default_factory=True)!r}"
        yield f"{indent}{key:<16} {field.description or ''}{'; ' if field.description else ''}{default}"
