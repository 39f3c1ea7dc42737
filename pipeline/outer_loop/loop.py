"""The loop itself.  Every phase leaves files that say what they were made from, so a loop that was stopped goes on where it was.

OUT/round-000/held_out/   how the round's model does on problems that no round trains on
OUT/round-000/run/        a whole run: the problems sampled from the round's model
OUT/round-000/data/       the rows that are trained on
OUT/round-000/model/      the model trained on them: the teacher of round 1
OUT/round-003/verifier/   below the last round, where one is trained
OUT/LOOP.json             what each round brought, rewritten after each
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from generators.teachers.model_files import fingerprint
from pipeline import shards, storage
from pipeline.build import Options, build, is_built, stoppable
from pipeline.outer_loop.recipes import TEACHERS_OWN, Model, base_of, held_out_plan, loop_of, own_model, round_plan
from pipeline.outer_loop.report import rounds_table
from pipeline.outer_loop.rows import hash_of, training_data
from pipeline.outer_loop.table import LoopTable, VerifierTable, check_trainer, command_of
from pipeline.outer_loop.training import Training, trained
from pipeline.outer_loop.yields import Accuracy, Memory, Yield, accuracy_of, as_table, yield_of
from pipeline.plan import Plan, resolve
from pipeline.recipes import build as section_of
from pipeline.rundir import RunDir, claim
from schemas.errors import RunError, UserError
from schemas.identity import content_id
from schemas.recipe import Recipe

STATE = "LOOP.json"
DATA_NOTE = "DATA.json"
# Keys of [loop] that decide when it ends, not what a round makes.
_ENDING = ("patience", "min_gain", "timeout")


@dataclasses.dataclass
class Round:
    """What is known of one round; the last one has a model and no rows."""

    number: int
    accuracy: Accuracy | None = None  # of the model that the round begins with
    brought: Yield | None = None
    steps: int | None = None  # of the training that ends it

    def as_table(self) -> dict[str, Any]:
        """Return it as LOOP.json has it."""
        parts = {"held_out": self.accuracy, "yield": self.brought}
        return {"round": self.number, "steps": self.steps, **{name: one and as_table(one) for name, one in parts.items()}}


class Loop:
    """One loop over a folder."""

    def __init__(self, recipe: Recipe, rounds: int, options: Options, console: Console) -> None:
        self._recipe, self._rounds, self._options, self._console = recipe, rounds, options, console
        self._table = loop_of(recipe)
        self._folder = Path(options.out).absolute()
        self._base = base_of(recipe, self._table)
        self._own = own_model(recipe, self._table)
        self._done: list[Round] = []

    def run(self) -> str:
        """Run the rounds that are missing and return the best model, a folder or a name.

        The best is the one with the highest held-out accuracy, of equal ones the earlier; without held-out problems the last.
        """
        first = round_plan(self._recipe, self._table, 0, TEACHERS_OWN)
        self._begin(first)
        models, runs, memory, ended = [TEACHERS_OWN], [], Memory(), ""
        for number in range(self._rounds + 1):
            one = Round(number, self._judged(number, models[-1]))
            self._done.append(one)
            ended = self._reason_to_end()
            if ended:
                break
            runs.append(self._sampled(number, models[-1]))
            one.brought = yield_of(runs[-1], memory, self._recipe.dedupe.threshold)
            one.steps = self._table.steps_of(number)
            models.append(self._trained(number, models[-1], runs))
            self._write(ended, models)
        self._verified(runs)
        self._write(ended, models)
        best = models[self._best(models)]
        return best.name or best.weights or self._own

    def _begin(self, plan: Plan) -> None:
        """Write the recipe.  Raises UserError where the folder holds rounds of another one."""
        plan.check_inputs()  # all that can be seen before anything is paid for
        plan.check_keys()
        check_trainer(self._table.trainer, "[loop]")
        if self._table.verifier is not None:
            check_trainer(section_of(VerifierTable, self._table.verifier, "[loop.verifier]").trainer, "[loop.verifier]")
        self._table.steps_of(self._rounds - 1)  # raises where they are too many to count
        decides = _decides(plan, self._table, self._base, self._options.limit)
        before = _decided(self._folder / STATE)
        changed = [] if before is None else [name for name in decides if before.get(name) != decides[name]]
        if changed:
            raise UserError(
                f"--out {self._options.out}: its rounds were made by another recipe, with another {', '.join(changed)}; "
                "give another --out, or the recipe as it was"
            )
        storage.write_bytes(str(self._folder / "recipe.toml"), resolve(self._recipe).to_toml().encode())
        self._decides = decides

    def _judged(self, number: int, model: Model) -> Accuracy | None:
        """Return how a model does on the held-out problems, None where there are none."""
        if not self._table.holds_out:
            return None
        plan = held_out_plan(self._recipe, self._table, number, model)
        run = self._built(plan, self._of(number) / "held_out", f"round {number}: the held-out problems")
        return accuracy_of(run, self._table.held_out_samples)

    def _sampled(self, number: int, model: Model) -> RunDir:
        plan = round_plan(self._recipe, self._table, number, model)
        return self._built(plan, self._of(number) / "run", f"round {number} of {self._rounds}: sampling")

    def _built(self, plan: Plan, folder: Path, what: str) -> RunDir:
        others = sorted(str(path) for path in self._folder.glob("round-*/*/journal") if path.parent != folder)
        options = dataclasses.replace(self._options, out=str(folder), also_spent=others)
        if is_built(plan, options):
            return RunDir(str(folder), plan.recipe.partitions)
        self._console.print(f"starbeam: {what}", highlight=False, soft_wrap=True)
        return build(plan, options, self._console)

    def _trained(self, number: int, model: Model, runs: list[RunDir]) -> Model:
        table, folder = self._table, self._of(number)
        data_hash = _data(runs if table.data == "all" else runs[-1:], table.config, folder / "data")
        base = self._base if table.restart else model.weights or model.name or self._base
        steps = table.steps_of(number)
        command = (*command_of(table.trainer), *table.trainer_arguments)
        training = Training(command, str(folder / "data"), base, steps, self._recipe.seed, table.timeout)
        key = training.key(data_hash, _identity(base))
        if not (folder / "model").exists():
            what = f"round {number} of {self._rounds}: training {steps:,} steps from {base}; its log is {folder}/trainer.log"
            self._console.print(f"starbeam: {what}", highlight=False, soft_wrap=True)
        with _of_round(number):
            return trained(training, folder / "model", key)

    def _verified(self, runs: list[RunDir]) -> None:
        """Train the verifier on samples of all rounds, where one is wanted."""
        if self._table.verifier is None or not runs:
            return
        table = section_of(VerifierTable, self._table.verifier, "[loop.verifier]")
        folder = self._of(len(runs) - 1) / "verifier"  # more rounds make another one
        data_hash = _data(runs, table.config, folder / "data")
        base = table.base or self._base
        command = (*command_of(table.trainer), *table.trainer_arguments)
        training = Training(command, str(folder / "data"), base, table.steps, self._recipe.seed, self._table.timeout)
        if not (folder / "model").exists():
            what = f"training the verifier, {table.steps:,} steps from {base}; its log is {folder}/trainer.log"
            self._console.print(f"starbeam: {what}", highlight=False, soft_wrap=True)
        trained(training, folder / "model", training.key(data_hash, _identity(base)))

    def _reason_to_end(self) -> str:
        """Return why no further round begins, "" where one does."""
        accuracies = [one.accuracy.mean for one in self._done if one.accuracy is not None]
        if accuracies and self._table.is_enough(accuracies):
            return f"no gain on the held-out problems for {self._table.patience} rounds"
        return f"{self._rounds} rounds are done" if len(self._done) > self._rounds else ""

    def _best(self, models: list[Model]) -> int:
        """Return the number of the best model so far."""
        scored = {one.number: one.accuracy.mean for one in self._done if one.accuracy is not None}
        return max(scored, key=lambda number: (scored[number], -number)) if scored else len(models) - 1

    def _write(self, ended: str, models: list[Model]) -> None:
        """Write LOOP.json and show the rounds so far."""
        best = self._best(models)
        state = {
            "decides": self._decides,
            "rounds": [one.as_table() for one in self._done],
            "ended": ended or None,
            "best": f"round-{best - 1:03d}/model" if best else self._own,
        }
        storage.write_bytes(str(self._folder / STATE), (json.dumps(state, indent=1, ensure_ascii=False) + "\n").encode())
        self._console.print(rounds_table(self._done))

    def _of(self, number: int) -> Path:
        return self._folder / f"round-{number:03d}"


def run_loop(recipe: Recipe, rounds: int, options: Options, console: Console) -> str:
    """Run a loop and return its best model, a folder or a name.  Raises UserError and RunError, in one line each."""
    if not storage.is_local(options.out):
        raise UserError(f"--out {options.out}: a trainer reads and writes local folders; give a local one, and copy it afterwards")
    loop = Loop(recipe, rounds, options, console)
    run = claim(options.out, recipe.partitions)
    with run.locked(), _saying_how_to_go_on(options.out):
        return loop.run()


@contextlib.contextmanager
def _saying_how_to_go_on(out: str) -> Iterator[None]:
    try:
        with stoppable():
            yield
    except KeyboardInterrupt:
        raise RunError(f"interrupted: the same command goes on with the rounds in {out}") from None


@contextlib.contextmanager
def _of_round(number: int) -> Iterator[None]:
    try:
        yield
    except RunError as error:
        raise RunError(f"round {number}: {error}; the round's rows stay: mend that, and the same command goes on") from error


def _data(runs: list[RunDir], config: str, folder: Path) -> str:
    """Return the hash of the training rows of some runs, written where they are not there yet."""
    made_of = content_id(config, *(shards.file_hash(run.manifest) for run in runs))
    note = folder / DATA_NOTE
    with contextlib.suppress(OSError, ValueError, KeyError):
        before = json.loads(note.read_text())
        if before["made_of"] == made_of and before["hash"] == hash_of(runs[-1], config, folder):  # a trainer can do anything
            return str(before["hash"])
    found = training_data(runs, config, folder)
    storage.write_bytes(str(note), json.dumps({"made_of": made_of, "hash": found}).encode())
    return found


def _identity(base: str) -> str:
    """Return what a base model is: of a local folder what it holds."""
    return fingerprint(base) if os.path.isdir(base) else base


def _decided(state: Path) -> dict[str, Any] | None:
    """Return what decided the rounds that a folder holds, None where it holds no state.  Raises UserError."""
    if not state.exists():
        return None
    try:
        return dict(json.loads(state.read_bytes())["decides"])
    except (ValueError, TypeError, LookupError, RecursionError):
        raise UserError(
            f"{state}: is no state of a loop; it is not for editing: remove it, and the rounds that are there stay"
        ) from None


def _decides(plan: Plan, table: LoopTable, base: str, limit: int | None) -> dict[str, str]:
    """Return hashes of what decides the rounds, by the table of the recipe, so that a change can be named."""
    published = plan.published
    parts: dict[str, Any] = {
        name: published.get(name)
        for name in ("seed", "partitions", "problems", "strategy", "prompt", "judge", "tagger", "dedupe", "select")
    }
    parts["prompt"] = [parts["prompt"], plan.prompts.digest]
    parts["teacher"] = {name: one.identity() for name, one in plan.used_teachers.items()}
    parts["loop"] = {name: value for name, value in table.model_dump(mode="json").items() if name not in _ENDING}
    parts["base"] = _identity(base)
    parts["--limit"] = limit
    return {name: content_id(json.dumps(value, sort_keys=True)) for name, value in parts.items()}
