"""Whether the skipped-step score sees that a step is missing.

    .venv/bin/python -m benchmarks.skipped_steps --data DATA [--show 10]

DATA holds gsm8k/{train,test,model_solutions}.jsonl.  Of each human solution with two and more computing lines (a line with a
calculator mark) one that is not the last is taken out, drawn with a seed; the answer stands behind it as "The answer is N.".
Printed, with the calculator marks and without: the AUC of the score between the solutions as they were and with a line missing, in
all and by the number of computing lines; the share of pairs in which the score rises; how often a line's result is used later, is
there anyhow, and what the score makes of each; the score of right and of wrong model outputs; chains a second of CPU.  Weights and
words were tried on the first 2,500 solutions of train alone; test was looked at once they stood.

A chain without any result, of which nothing is known, counts as 0.
"""

import argparse
import collections
import json
import random
import re
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from filters.mentions import MAX_NUMBER_CHARS, NUMBER, mentions, value_of
from filters.skipped_steps import skipped_steps

SEED = 17
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
MARK = re.compile(r"<<([^<>]*)>>")
LEAST_LINES = 2


class Pair(NamedTuple):
    """A solution as it was and with one line missing."""

    question: str
    whole: str
    shorter: str
    lines: int  # that compute, in the whole one
    missing: str
    behind: str  # the lines behind it

    @property
    def use(self) -> str:
        """Return what becomes of the missing line's result."""
        result = MARK.findall(self.missing)[-1].rpartition("=")[2]
        found = NUMBER.fullmatch(result.strip("-"))
        if found is None or len(found[0]) > MAX_NUMBER_CHARS:
            return "not read"
        wanted = {value_of(found[0])}
        if not any(mentions(self.behind, wanted)):
            return "not used later"
        stands = any(mentions(f"{self.question}\n{self.whole[: self.whole.index(self.missing)]}", wanted))
        return "used later, stands before as well" if stands else "used later"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def pairs_of(path: Path) -> list[Pair]:
    rng, pairs = random.Random(SEED), []
    for row in rows_of(path):
        body, _, answer = row["answer"].partition("\n#### ")
        lines = body.split("\n")
        computing = [place for place, line in enumerate(lines) if MARK.search(line)]
        if len(computing) < LEAST_LINES:
            continue
        place = rng.choice(computing[:-1])
        behind = "\n".join(lines[place + 1 :])
        end = f"\nThe answer is {answer}."
        shorter = "\n".join(lines[:place] + lines[place + 1 :]) + end
        pairs.append(Pair(row["question"], body + end, shorter, len(computing), lines[place], behind))
    return pairs


def without_marks(text: str) -> str:
    return MARK.sub("", text)


def scores(texts: Iterable[str], questions: Iterable[str]) -> list[float]:
    return [skipped_steps(text, question).skipped or 0.0 for text, question in zip(texts, questions, strict=True)]


def auc(low: Sequence[float], high: Sequence[float]) -> float:
    """Return the probability that one of `high` is above one of `low`; equal ones count half."""
    ranked = np.sort(np.asarray(low))
    places = np.searchsorted(ranked, high, "left") + np.searchsorted(ranked, high, "right")
    return float(places.mean() / 2 / len(ranked))


def zeros(found: Sequence[float]) -> float:
    """Return the share of scores that are 0."""
    return statistics.mean(not one for one in found)


def separation(name: str, pairs: Sequence[Pair], marks: bool, show: int) -> None:
    """Print how well the score tells the solutions from those with a line missing."""
    form = str if marks else without_marks
    questions = [pair.question for pair in pairs]
    started = time.process_time()
    whole = scores((form(pair.whole) for pair in pairs), questions)
    rate = len(pairs) / (time.process_time() - started)
    shorter = scores((form(pair.shorter) for pair in pairs), questions)
    rises = [after > before for before, after in zip(whole, shorter, strict=True)]
    print(f"{name}, {'with' if marks else 'without'} marks: AUC {auc(whole, shorter):.4f} of {len(pairs):,} pairs")
    print(f"    the score rises in {statistics.mean(rises):.1%} of the pairs; it is 0 for {zeros(whole):.1%} of the whole and "
          f"{zeros(shorter):.1%} of the shorter; {rate:,.0f} chains a second")  # fmt: skip
    by_lines = collections.defaultdict(list)
    by_use = collections.defaultdict(list)
    for place, pair in enumerate(pairs):
        by_lines[pair.lines].append(place)
        by_use[pair.use].append(place)
    parts = [
        f"{lines}: {auc([whole[i] for i in of], [shorter[i] for i in of]):.3f} of {len(of):,}"
        for lines, of in sorted(by_lines.items())
    ]
    print(f"    AUC by computing lines  {'; '.join(parts)}")
    for use, of in sorted(by_use.items(), key=lambda item: -len(item[1])):
        share, rising = len(of) / len(pairs), statistics.mean(rises[i] for i in of)
        print(f"    the missing result is {use}: {share:.1%} of the pairs; the score rises in {rising:.1%}")
    for place in [place for place, rose in enumerate(rises) if not rose][:show]:
        print(f"    not seen: {without_marks(pairs[place].missing)!r}")


def model_outputs(path: Path, marks: bool) -> None:
    form = str if marks else without_marks
    found: dict[bool, list[float]] = {True: [], False: []}
    for row in rows_of(path):
        for model in MODELS:
            text = form(row[model]["solution"].replace("\nA: ", "\nThe answer is "))
            found[row[model]["is_correct"]].append(skipped_steps(text, row["question"]).skipped or 0.0)
    right, wrong = found[True], found[False]
    print(f"model outputs, {'with' if marks else 'without'} marks: AUC {auc(right, wrong):.4f}")
    for name, of in (("right", right), ("wrong", wrong)):
        print(f"    {len(of):,} {name}: mean {statistics.mean(of):.3f}, 0 for {zeros(of):.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=10, help="missing lines printed that the score does not see")
    given = parser.parse_args()
    for marks in (False, True):
        for name in ("train", "test"):
            separation(f"GSM8K {name}", pairs_of(given.data / "gsm8k" / f"{name}.jsonl"), marks, given.show * (not marks))
        model_outputs(given.data / "gsm8k" / "model_solutions.jsonl", marks)


if __name__ == "__main__":
    main()
