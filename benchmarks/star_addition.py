"""STaR's figure of addition in small: accuracy by digits and round, with and without rationalisation, and of direct training.

    .venv-vllm/bin/python -m benchmarks.star_addition [--seeds 0 1 2] [--rounds 4] [--keep FOLDER]

A transformer of 86 thousand weights is trained from scratch, by the loop's own trainer, on a few worked sums (`addition.py` beside
this): the base.  Then `starbeam star` runs on problems of one to five digits: sampled by vLLM, verified, rationalised, retrained
from that base, the worked sums beside the round's rows.  Beside it the same without hints, and direct training on question and
answer of the same problems, from the same base and for as many steps as all rounds together.  Held-out sums are asked greedily.
Two jobs run side by side, a thread each; accuracies do not depend on that.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import addition
from pipeline.outer_loop.yields import accuracy_of
from pipeline.rundir import RunDir

ROOT = Path(__file__).parents[1]
STARBEAM = Path(sys.executable).with_name("starbeam")
SETTINGS = {  # with which vLLM is quick on a CPU, and a job keeps to its thread
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TORCH_COMPILE_DISABLE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
TRAINING = ["--learning-rate", addition.LEARNING_RATE, "--batch-size", addition.BATCH_SIZE, "--warmup", addition.WARMUP]
RECIPE = """
name = "addition"
seed = {seed}
partitions = 2
[problems]
source = "jsonl"
path = {problems}
map = {{ question = "question", answer = "answer", subject = "subject" }}
checker = "numeric"
[teacher.main]
kind = "vllm"
model = "base"
weights = {weights}
engine = {{ dtype = "float32", enforce_eager = true, max_model_len = {length}, max_num_seqs = 256 }}
sampling = {{ temperature = 0.0, max_tokens = 120 }}
"""
STAR = """
[strategy]
kind = "star"
rationalize = {rationalize}
[select]
keep = ["correct"]
[loop]
trainer_arguments = {arguments}
steps = {steps}
growth = {growth}
patience = 99
[loop.held_out]
source = "jsonl"
path = {held_out}
map = {{ question = "question", answer = "answer", subject = "subject" }}
checker = "numeric"
"""
Accuracies = dict[str, float]  # by digits, and of all


def run(command: Sequence[object], log: Path) -> None:
    """Run a command to its end, its words in a file.  Ends the process where it fails."""
    with open(log, "ab") as file:
        done = subprocess.run([*map(str, command)], cwd=ROOT, stdout=file, stderr=file, env={**os.environ, **SETTINGS})
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{log.read_text()[-3000:]}")


def train(rows: list[tuple[str, str]], base: Path, output: Path, steps: int, seed: int) -> None:
    """Train a model on (prompt, completion) pairs with the loop's trainer."""
    data = output.with_name(f"{output.name}-data")
    addition.write_rows(data, rows)
    given = ["--data", data, "--base", base, "--output", output, "--steps", steps, "--seed", seed]
    run([sys.executable, "-P", "-m", "pipeline.train", *given, *TRAINING], output.with_name(f"{output.name}.log"))


def recipe_of(seed: int, problems: Path, weights: Path) -> str:
    """Return the part of a recipe that all share."""
    paths = {"problems": json.dumps(str(problems)), "weights": json.dumps(str(weights))}
    return RECIPE.format(seed=seed, length=addition.LENGTH, **paths)


def loop_of(folder: Path, rationalize: float) -> str:
    """Return the rest of a loop's recipe: a share of what fails gets a hint; the worked sums are trained on in every round."""
    arguments = [str(one) for one in (*TRAINING, "--also", folder / "base-data")]
    return STAR.format(
        rationalize=rationalize,
        arguments=json.dumps(arguments),
        steps=addition.STEPS,
        growth=addition.GROWTH,
        held_out=json.dumps(str(folder / "held_out.jsonl")),
    )


def write_seed(folder: Path, seed: int) -> None:
    """Write the problems of a seed, and a model of random weights."""
    folder.mkdir(parents=True)
    problems = addition.draw(seed)
    addition.write_problems(folder / "training.jsonl", problems.training)
    addition.write_problems(folder / "held_out.jsonl", problems.held_out)
    addition.save_model(folder / "random", seed)


def make_base(folder: Path, seed: int) -> None:
    """Train the base of a seed from scratch."""
    problems = addition.draw(seed)
    train(addition.example_rows(problems.examples), folder / "random", folder / "base", addition.BASE_STEPS, seed)


def star(folder: Path, seed: int, rounds: int, rationalize: float) -> list[Accuracies]:
    """Run the loop and return the accuracies of its models, the base's first."""
    name = f"star-{rationalize:g}"
    text = recipe_of(seed, folder / "training.jsonl", folder / "base") + loop_of(folder, rationalize)
    (folder / f"{name}.toml").write_text(text)
    run([STARBEAM, "star", folder / f"{name}.toml", "--rounds", rounds, "--out", folder / name], folder / f"{name}.log")
    state = json.loads((folder / name / "LOOP.json").read_text())
    return [accuracies(one["held_out"]["by_subject"]) for one in state["rounds"]]


def direct(folder: Path, seed: int, rounds: int) -> list[Accuracies]:
    """Train on question and answer alone, for as many steps as the rounds together, and return the accuracies."""
    steps = sum(round(addition.STEPS * addition.GROWTH**number) for number in range(rounds))
    train(addition.direct_rows(addition.draw(seed).training), folder / "base", folder / "direct", steps, seed)
    (folder / "direct.toml").write_text(recipe_of(seed, folder / "held_out.jsonl", folder / "direct"))
    run([STARBEAM, "build", folder / "direct.toml", "--out", folder / "direct-run"], folder / "direct-run.log")
    return [accuracies(accuracy_of(RunDir(str(folder / "direct-run"), 2), 1).by_subject)]


def accuracies(by_subject: dict[str, list[int]]) -> Accuracies:
    """Return the share of right answers by digits, and of all problems."""
    found = {subject: right / asked for subject, (right, asked) in by_subject.items()}
    return {**found, "all": sum(right for right, _ in by_subject.values()) / sum(asked for _, asked in by_subject.values())}


ARMS: dict[str, Callable[[Path, int, int], list[Accuracies]]] = {
    "STaR": lambda folder, seed, rounds: star(folder, seed, rounds, 1.0),
    "without hints": lambda folder, seed, rounds: star(folder, seed, rounds, 0.0),
    "direct": direct,
}


def measure(folder: Path, seeds: Sequence[int], rounds: int) -> list[dict[str, list[Accuracies]]]:
    """Return the accuracies of each seed: by arm, a list by round."""
    for seed in seeds:
        write_seed(folder / f"seed-{seed}", seed)
    with ThreadPoolExecutor(2) as side_by_side:
        list(side_by_side.map(lambda seed: make_base(folder / f"seed-{seed}", seed), seeds))
        jobs = [
            {arm: side_by_side.submit(measured, folder / f"seed-{seed}", seed, rounds) for arm, measured in ARMS.items()}
            for seed in seeds
        ]
        return [{arm: job.result() for arm, job in of_seed.items()} for of_seed in jobs]


def show(results: list[dict[str, list[Accuracies]]]) -> None:
    """Print means over seeds, with the least and the most of all digits together."""
    subjects = [addition.subject_of(digits) for digits in addition.DIGITS]
    print(f"{'':<24}" + "".join(f"{one:>10}" for one in subjects) + f"{'all':>8}   least to most of the seeds")
    for arm in ARMS:
        for number in range(len(results[0][arm])):
            of_seeds = [one[arm][number] for one in results]
            cells = "".join(f"{statistics.mean(one[subject] for one in of_seeds):>10.1%}" for subject in subjects)
            overall = [one["all"] for one in of_seeds]
            label = arm if len(results[0][arm]) == 1 else f"{arm}, after {number}"
            print(f"{label:<24}{cells}{statistics.mean(overall):>8.1%}   {min(overall):.1%} to {max(overall):.1%}")


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=addition.ROUNDS)
    parser.add_argument("--keep", type=Path, help="a new folder for the runs; left out, they are removed")
    given = parser.parse_args()
    began = time.monotonic()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="star-addition-"))
    results = measure(folder.absolute(), given.seeds, given.rounds)
    for seed, of_seed in zip(given.seeds, results, strict=True):
        print(f"\nseed {seed}")
        show([of_seed])
    print(f"\nmeans of {len(results)} seeds; {(time.monotonic() - began) / 60:.1f} minutes in all")
    show(results)
    if given.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
