"""The recipes of a loop's parts: of a round's problems, and of the held-out ones, each with the round's model as its teacher."""

from typing import Any, NamedTuple

from generators.sources import SOURCES
from generators.teachers.client import PaidTable
from generators.teachers.reward import RewardTable
from generators.teachers.vllm import VllmTable
from pipeline.exports import CONFIGS
from pipeline.outer_loop.table import LoopTable, VerifierTable
from pipeline.plan import Plan, resolve
from pipeline.recipes import build, pick, suggestion
from schemas.errors import UserError
from schemas.recipe import Export, Recipe, Select, Split, Table


class Model(NamedTuple):
    """A model as a trainer or the recipe gives it."""

    weights: str | None = None  # a folder; None for the teacher's own
    name: str | None = None  # on a server, which knows it by this name


TEACHERS_OWN = Model()


def loop_of(recipe: Recipe) -> LoopTable:
    """Return a recipe's `[loop]`.  Raises UserError where there is none, or where it names no teacher that can be trained."""
    if recipe.loop is None:
        raise UserError('the recipe has no [loop]; add one, such as [loop] with trainer = "trl" and steps = 40')
    loop = build(LoopTable, recipe.loop, "[loop]")
    if loop.verifier is not None:
        build(VerifierTable, loop.verifier, "[loop.verifier]")
    if loop.held_out is not None:
        pick(loop.held_out, "source", SOURCES, "[loop.held_out]")
    if loop.config not in CONFIGS:
        raise UserError(f"[loop] config = {loop.config!r} is unknown; {suggestion(loop.config, list(CONFIGS))}")
    if recipe.split is not None:
        raise UserError("[split] and [loop] are in one recipe: say in [loop] held_out_share what is held out")
    table = resolve(recipe).teachers.get(loop.teacher)
    if not isinstance(table, PaidTable) or isinstance(table, RewardTable):
        known = ", ".join(name for name, one in resolve(recipe).teachers.items() if isinstance(one, PaidTable)) or "none is here"
        raise UserError(f"[loop] teacher = {loop.teacher!r} is no teacher whose model can be trained; name one of these: {known}")
    return loop


def own_model(recipe: Recipe, loop: LoopTable) -> str:
    """Return the model that the teacher has before any training."""
    table = resolve(recipe).teachers[loop.teacher]
    assert isinstance(table, PaidTable)
    return table.loaded if isinstance(table, VllmTable) else table.model


def base_of(recipe: Recipe, loop: LoopTable) -> str:
    """Return the model that training starts from."""
    return loop.base or own_model(recipe, loop)


def round_plan(recipe: Recipe, loop: LoopTable, round: int, model: Model) -> Plan:
    """Return the plan of a round's samples and rows."""
    configs = [*recipe.export.configs, "full", loop.config]  # full: what was kept is counted from it
    if loop.verifier is not None:
        configs.append(build(VerifierTable, loop.verifier, "[loop.verifier]").config)
    split = None if loop.held_out_share is None else Split(share=loop.held_out_share, part="rest")
    changes = {"split": split, "export": recipe.export.model_copy(update={"configs": tuple(dict.fromkeys(configs))})}
    return resolve(_with_model(recipe, loop, round, model).model_copy(update=changes))


def held_out_plan(recipe: Recipe, loop: LoopTable, round: int, model: Model) -> Plan:
    """Return the plan by which a model is judged on the held-out problems: plain samples of the one teacher."""
    changed = _with_model(recipe, loop, round, model)
    table = changed.teacher[loop.teacher]
    bounds = ("max_tokens", "max_completion_tokens", "stop")
    sampling = {key: value for key, value in dict(table.get("sampling", {})).items() if key in bounds}
    sampling |= loop.held_out_sampling.sent()
    problems = recipe.problems if loop.held_out is None else (loop.held_out,)
    changes: dict[str, Any] = {
        "name": f"{recipe.name[:50]}-held-out",
        "problems": problems,
        "split": None if loop.held_out_share is None else Split(share=loop.held_out_share, part="held_out"),
        "teacher": {**changed.teacher, loop.teacher: {**table, "sampling": sampling}},
        "strategy": {"kind": "repeated", "samples": loop.held_out_samples, "teachers": [loop.teacher]},
        "tagger": None,
        "select": Select(keep=("correct",)),
        "export": Export(configs=("full",)),
    }
    return resolve(changed.model_copy(update=changes))


def _with_model(recipe: Recipe, loop: LoopTable, round: int, model: Model) -> Recipe:
    table: Table = dict(recipe.teacher[loop.teacher])
    if model.name is not None:
        table["model"] = model.name
    elif model.weights is not None:
        if table.get("kind") != "vllm":
            raise UserError(
                f"[loop] teacher = {loop.teacher!r} is of kind {table.get('kind')!r}, whose server knows models by name: have "
                "the trainer write the new one's into model.txt in its --output, or use a teacher of kind 'vllm'"
            )
        table["weights"] = model.weights
    return recipe.model_copy(update={"round": round, "loop": None, "teacher": {**recipe.teacher, loop.teacher: table}})
