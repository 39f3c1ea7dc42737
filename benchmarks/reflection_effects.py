"""What reflections did to the answers of real chains, per model, and what saying it costs.

    .venv/bin/python -m benchmarks.reflection_effects --data DATA [--show 20]

DATA holds long_cot/math500_samples.jsonl.gz and gsm8k/model_solutions.jsonl.  Printed for each model: chains, reflections, shares
of their effects (unknown: no answer is stated on both sides, or the right one is not known), the net gain in right answers a chain,
and the means of the courses.  What lies between two statements is counted once for the net gain, however many reflections there
are.  Then the CPU time for a chain of 300 words, by the chains' words, beside that of the tagger and of splitting into words, which
says how fast the machine is.  `--show` prints chains with their statements.
"""

import argparse
import collections
import functools
import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.steps import MODELS, rows_of
from filters.answer_key import AnswerKey
from filters.checkers import CHECKERS
from filters.effects import effect, effects
from filters.reflections import reflections
from filters.stated_answers import stated_answers
from filters.verify import verify
from schemas.annotation import EFFECTS, Course, Reflection, Verdict
from schemas.problem import Problem

WORDS = 300  # of the chain for which the cost is given
ROUNDS = 3


class Corpus(NamedTuple):
    """Chains with their models, problems and verdicts, row by row."""

    models: list[str]
    chains: list[str]
    problems: list[Problem]
    verdicts: list[Verdict]


def corpus_of(rows: Iterable[tuple[str, str, str, str]], checker: str) -> Corpus:
    """Return the corpus of (model, question, gold, chain) rows, judged by a checker."""
    models, questions, golds, chains = map(list, zip(*rows, strict=True))
    pairs = zip(questions, golds, strict=True)
    problems = [Problem.of(question=question, answer=gold, checker=checker, source="data") for question, gold in pairs]
    return Corpus(models, chains, problems, verify(problems, chains, CHECKERS))


def long_cot(path: Path) -> Corpus:
    return corpus_of(((row["model"], row["question"], row["answer"], row["response"]) for row in rows_of(path)), "math")


def model_outputs(path: Path) -> Corpus:
    rows = (
        (model, row["question"], row["ground_truth"].rpartition("A: ")[2], row[model]["solution"])
        for row in rows_of(path)
        for model in MODELS
    )
    return corpus_of(rows, "numeric")


def flips(chain: str, tagged: Sequence[Reflection], problem: Problem, verdict: Verdict) -> collections.Counter[str]:
    """Return the effects between neighbouring statements with a reflection between them, each counted once."""
    key = AnswerKey(problem, verdict)
    found: collections.Counter[str] = collections.Counter()
    for one, other in itertools.pairwise(stated_answers(chain, tagged, key)):
        if any(one.start <= reflection.start < other.start for reflection in tagged):
            found[effect(one, other, key) or "unknown"] += 1
    return found


def mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.mean(known):.3f} of {len(known)}" if known else "none"


def of_model(model: str, corpus: Corpus, tagged: Sequence[Sequence[Reflection]], courses: Sequence[Course]) -> None:
    """Print what the reflections of one model did."""
    rows = [row for row, one in enumerate(corpus.models) if one == model]
    shares = collections.Counter[str](one.effect or "unknown" for row in rows for one in tagged[row])
    total = sum(shares.values())
    found: collections.Counter[str] = collections.Counter()
    for row in rows:
        found += flips(corpus.chains[row], tagged[row], corpus.problems[row], corpus.verdicts[row])
    parts = ", ".join(f"{name} {shares[name] / max(total, 1):.2%}" for name in (*EFFECTS, "unknown"))
    print(f"{model}: {len(rows)} chains, {total:,} reflections: {parts}")
    print(f"    between statements: {dict(found)}; net gain {(found['effective'] - found['harmful']) / len(rows):+.4f} a chain")
    of = [courses[row] for row in rows]
    superficial = sum(one.superficial for one in of) / max(total, 1)
    print(f"    answers stated {mean(one.answers for one in of)}; changed in {sum(one.changes > 0 for one in of)} chains; "
          f"first right at {mean(one.first_right for one in of)}; overthinking {mean(one.overthinking for one in of)}; "
          f"underthinking {mean(one.underthinking for one in of)}")  # fmt: skip
    print(f"    thoughts {mean(one.thoughts for one in of)}; superficial {superficial:.2%}; loops {mean(one.loops for one in of)}")


def cost(name: str, chains: Sequence[str], run: Callable[[], object]) -> None:
    def seconds() -> float:
        started = time.process_time()
        run()
        return time.process_time() - started

    words = sum(len(chain.split()) for chain in chains)
    print(f"    {name}: {min(seconds() for _ in range(ROUNDS)) / words * WORDS * 1e6:.0f} us for {WORDS} words")


def shown(corpus: Corpus, tagged: Sequence[Sequence[Reflection]], count: int) -> None:
    """Print chains whose reflections have an effect, each with its statements and what lies between them."""
    rows = [row for row, found in enumerate(tagged) if any(one.effect for one in found)]
    for row in rows[:: max(1, len(rows) // count)][:count] if count else []:
        chain, key = corpus.chains[row], AnswerKey(corpus.problems[row], corpus.verdicts[row])
        print(f"row {row}, {corpus.models[row]}: {corpus.verdicts[row].status}, gold {corpus.problems[row].answer}")
        answers = stated_answers(chain, tagged[row], key)
        for one, following in itertools.zip_longest(answers, answers[1:]):
            end = following.start if following else len(chain)
            between = [reflection.effect for reflection in tagged[row] if one.start <= reflection.start < end]
            around = chain[max(0, one.start - 40) : one.end + 10].replace("\n", " | ")
            print(f"    {one.text} ({key.is_right(one.text)}): …{around}…  {dict(collections.Counter(between))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=0, help="chains printed with their statements")
    given = parser.parse_args()
    for corpus in (
        long_cot(given.data / "long_cot" / "math500_samples.jsonl.gz"),
        model_outputs(given.data / "gsm8k" / "model_solutions.jsonl"),
    ):
        chains, questions = corpus.chains, [problem.question for problem in corpus.problems]
        found = reflections(chains, questions)
        tagged, courses = effects(corpus.chains, found, corpus.problems, corpus.verdicts)
        for model in dict.fromkeys(corpus.models):
            of_model(model, corpus, tagged, courses)
        cost("effects", chains, functools.partial(effects, chains, found, corpus.problems, corpus.verdicts))
        cost("tagger", chains, functools.partial(reflections, chains, questions))
        cost("splitting into words", chains, functools.partial(list, map(str.split, chains)))
        shown(corpus, tagged, given.show)


if __name__ == "__main__":
    main()
