"""`[loop]`: what each round trains, from what, how long, and when it is enough.

STaR (arXiv 2203.14465): every round restarts from the base, on its own rows, for 20 % more steps than the round before.  ReST-EM
(2312.06585): the same with `repeated` and `select.max_per_problem`.  RFT (2308.01825): one round, several teachers,
`select.distinct`.  V-STaR (2402.06457): `data = "all"`, and a verifier trained on right and wrong samples at the end.
"""

import importlib.util
import shutil
import sys
from typing import Literal

from pydantic import Field, model_validator

from generators.teachers.client import Sampling
from schemas.errors import UserError
from schemas.recipe import Name, Section, Table

TRL = "trl"  # the trainer that comes with starbeam, by its name
GREEDY = Sampling(temperature=0.0)


class LoopTable(Section):
    """`[loop]`: rounds of sampling and training, for `starbeam star`."""

    trainer: str | tuple[str, ...] = Field(
        TRL,
        description="trl: the one that comes with starbeam; or a command: it is called with --data --base --output --steps --seed",
    )
    trainer_arguments: tuple[str, ...] = Field((), description="put behind the trainer's command, such as --learning-rate 1e-5")
    base: str | None = Field(None, description="model that training restarts from; left out for the teacher's own")
    teacher: Name = Field("main", description="name of the [teacher.NAME] table whose model is trained")
    steps: int = Field(40, ge=1, description="optimizer steps of the first round; STaR's code begins with 40")
    growth: float = Field(1.2, ge=1, description="times as many steps in each further round; STaR has 1.2")
    grow_by: int = Field(0, ge=0, description="and so many steps more; STaR's code has 20 as another way")
    restart: bool = Field(True, description="train from the base each round; false: from the model of the round before")
    data: Literal["round", "all"] = Field("round", description="train on the round's rows, or on those of all rounds so far")
    config: Name = Field("prompt_completion", description="the release config that is trained on")
    timeout: float | None = Field(None, gt=0, description="seconds that one training may take")
    held_out: Table | None = Field(None, description="problems that no round trains on, as in [problems]: the stop rule's")
    held_out_share: float | None = Field(None, gt=0, lt=1, description="or the share of [problems] that is held out")
    held_out_samples: int = Field(1, ge=1, description="samples of a held-out problem, whose mean is the accuracy")
    held_out_sampling: Sampling = Field(
        GREEDY, description="how they are sampled; max_tokens and stop are the teacher's, unless set"
    )
    patience: int = Field(2, ge=1, description="rounds without a gain on the held-out problems after which the loop stops")
    min_gain: float = Field(0.0, ge=0, le=1, description="rise of the held-out accuracy that counts as a gain")
    verifier: Table | None = Field(None, description="V-STaR: after the last round, train a verifier on samples of all rounds")

    @model_validator(mode="after")
    def _has_one_split(self) -> "LoopTable":
        if self.held_out is not None and self.held_out_share is not None:
            raise ValueError("held_out and held_out_share are two ways to say what is held out: set one of them")
        return self

    @property
    def holds_out(self) -> bool:
        """Return whether there is a held-out part, and so a stop rule."""
        return self.held_out is not None or self.held_out_share is not None

    def steps_of(self, round: int) -> int:
        """Return the optimizer steps of a round, from 0.  Raises UserError where they are no number any more."""
        try:
            return round_half_up(self.steps * self.growth**round) + self.grow_by * round
        except OverflowError:
            raise UserError(
                f"[loop] steps and growth = {self.growth:g} make more steps in round {round} than a float can hold; lower them"
            ) from None

    def is_enough(self, accuracies: list[float]) -> bool:
        """Return whether the last `patience` models bring no gain over the best one before them; one accuracy a model."""
        before, last = accuracies[: -self.patience], accuracies[-self.patience :]
        return bool(before) and max(last) <= max(before) + self.min_gain


class VerifierTable(Section):
    """`[loop.verifier]`: a model trained on the labelled or paired samples of all rounds."""

    trainer: str | tuple[str, ...] = Field(description="a command, called as the loop's trainer is")
    trainer_arguments: tuple[str, ...] = ()
    base: str | None = Field(None, description="left out for the loop's base")
    steps: int = Field(40, ge=1)
    config: Literal["labelled", "preference"] = Field("preference", description="pairs for DPO, as V-STaR has it, or labels")


def round_half_up(value: float) -> int:
    """Return the nearest whole number."""
    return int(value + 0.5)


def command_of(trainer: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return a trainer's command."""
    if trainer == TRL:
        # -P: the folder where the command was called may hold another package named pipeline.
        return (sys.executable, "-P", "-m", "pipeline.train")
    return (trainer,) if isinstance(trainer, str) else trainer


def check_trainer(trainer: str | tuple[str, ...], where: str) -> None:
    """Raise UserError where a trainer cannot be started."""
    program = command_of(trainer)[0] if command_of(trainer) else ""
    if not shutil.which(program):
        raise UserError(f"{where} trainer: no program {program!r} is there; give one that is, as a list with its arguments")
    if trainer == TRL and importlib.util.find_spec("trl") is None:
        raise UserError(f"{where} trainer = {TRL!r} needs TRL, which is not installed; pip install -e '.[trl]'")
