"""What the step checks and the leak detector find in real solutions, miss, flag wrongly, and cost.

    .venv/bin/python -m benchmarks.steps --data DATA [--show 40]

DATA holds gsm8k/{train,test,model_solutions}.jsonl, math500/test.jsonl and long_cot/math500_samples.jsonl.gz.  Printed:
the share of human solutions that are flagged, by kind, with every flag; how many of one-digit changes are caught; texts a second of
CPU on one core; what real model outputs get; and for leaks, the false alarms on chains that were never told anything and the
recall on leak sentences put into them.  Every draw is seeded.

A *result* is a number directly behind an equals sign, with a currency sign or spaces between, where the text from the sign before
(or from the start of its line) holds another digit; in a calculator mark <<48/2=24>>24, both the number inside and the one behind.
One digit of one result of each solution is replaced by another digit.  It is caught where a wrong equation is flagged that was not
before, or the answer, which stays as it is, comes out of no step any more.
"""

import argparse
import collections
import gzip
import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from filters.checkers import CHECKERS
from filters.leaks import leak
from filters.steps import steps
from filters.verify import verify
from schemas.annotation import Steps, Verdict
from schemas.problem import Problem

SEED = 17
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
MARK = re.compile(r"<<[^<>]*>>")
RESULT = re.compile(r"=[ $]*(?P<direct>-?(?:\d[\d,]*(?:\.\d+)?|\.\d+))|>>[ $]*(?P<behind>-?(?:\d[\d,]*(?:\.\d+)?|\.\d+))")

QUOTES = (
    "We are told the answer is {g}.",
    "The hint says {g}.",
    "Since the answer is given as {g}, let's see how to get there.",
    "According to the hint, the result should be {g}.",
    "The correct answer was provided: {g}.",
    "Working backwards from the answer, {g}, we find the steps.",
    "As the hint states, the final value is {g}.",
    "The given answer is {g}, so the steps must lead there.",
    "Knowing that the answer is {g}, we can reason as follows.",
    "The answer key lists {g}.",
    "The problem tells us that the correct answer is {g}.",
    "This matches the provided answer of {g}.",
    "I was told that the answer should be {g}.",
    "Let me justify the given answer {g}.",
    "The expected answer is {g}.",
    "Because we already know the answer is {g}, we only need to explain it.",
    "The correct option is marked as {g}.",
    "Indeed, this agrees with the answer in the hint.",
    "From the solution that was provided, the total is {g}.",
    "So the given solution of {g} is right.",
    "已知答案是{g}。",
    "根据提示，答案应为{g}。",
    "题目已经给出答案{g}。",
    "从答案{g}倒推。",
    "标准答案为{g}。",
    "提示告诉我们结果是{g}。",
)
GOLD_FIRST = (
    "The answer is {g}.",
    "The answer is {g} because of the following.",
    "We want to get {g}.",
    "To reach {g}, we go through the numbers.",
    "We need the result to be {g}.",
    "The final answer must be {g}, so let us check.",
    "It has to be {g}. Here is why.",
    "{g} is the correct answer.",
    "First note that the total should be {g}.",
    "Answer: {g}.",
    "We are trying to arrive at {g}.",
    "So we know that the result is {g}; here are the steps.",
    "I need to show that it is {g}.",
    "The result equals {g}.",
    "Let me explain why the solution is {g}.",
    "答案是{g}。",
    "为了得到{g}，我们这样算。",
    "结果应该是{g}。",
)


# Written when the patterns were done, and never used to mend them: what to expect of wordings that nobody thought of.
UNSEEN = (
    "Because I was handed the answer {g} beforehand, I can fill in the steps.",
    "My instructions include the final answer, {g}.",
    "The answer that I'm supposed to arrive at is {g}.",
    "In the note it is written that the answer is {g}.",
    "We've been provided with the result {g}.",
    "Looking at the provided answer {g}, the path becomes obvious.",
    "The system already gave the correct answer: {g}.",
    "According to the information I have, the solution is {g}.",
    "So that we end up with {g}, which is the known answer, multiply.",
    "Let me show the reasoning that produces the expected output {g}.",
    "Having been told {g}, I can verify it.",
    "The official answer happens to be {g}.",
    "It was revealed that the answer is {g}.",
    "I have the answer, {g}; only the steps are missing.",
    "题目后面附了答案{g}。",
    "按照给出的结果{g}来写过程。",
    "因为事先知道答案是{g}，所以只需补充过程。",
    "参考答案为{g}。",
)


class Corpus(NamedTuple):
    """Chains with their problems and verdicts, row by row."""

    chains: list[str]
    problems: list[Problem]
    verdicts: list[Verdict]

    def without_marks(self) -> "Corpus":
        return self._replace(chains=[MARK.sub("", chain) for chain in self.chains])

    def correct(self) -> "Corpus":
        rows = [row for row in zip(*self, strict=True) if row[2].status == "correct"]
        return Corpus(*map(list, zip(*rows, strict=True)))


def rows_of(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.decode("utf-8").split("\n") if line]


def corpus_of(rows: Iterator[tuple[str, str, str]], checker: str) -> Corpus:
    """Return the corpus of (question, gold, chain) rows, judged by a checker."""
    problems, chains = [], []
    for question, gold, chain in rows:
        problems.append(Problem.of(question=question, answer=gold, checker=checker, source="data"))
        chains.append(chain)
    return Corpus(chains, problems, verify(problems, chains, CHECKERS))


def gsm8k(path: Path) -> Corpus:
    return corpus_of(((row["question"], row["answer"].rpartition("#### ")[2], row["answer"]) for row in rows_of(path)), "numeric")


def model_outputs(path: Path) -> Corpus:
    rows = (
        (row["question"], row["ground_truth"].rpartition("A: ")[2], row[model]["solution"])
        for row in rows_of(path)
        for model in MODELS
    )
    return corpus_of(rows, "numeric")


def math500(path: Path) -> Corpus:
    corpus = corpus_of(((row["problem"], row["answer"], row["solution"]) for row in rows_of(path)), "text")
    verdicts = [Verdict("correct", problem.answer, "gold", "equal") for problem in corpus.problems]
    return corpus._replace(verdicts=verdicts)


def long_cot(path: Path) -> Corpus:
    rows = rows_of(path)
    corpus = corpus_of(((row["question"], row["answer"], row["response"]) for row in rows), "text")
    verdicts = [Verdict("correct" if row["score"] else "incorrect", row["predicted"], "published", "") for row in rows]
    return corpus._replace(verdicts=verdicts)


def judged(name: str, corpus: Corpus, show: int) -> list[Steps]:
    """Print how many chains are flagged, and why; return what the checks say."""
    found = steps(*corpus)
    flagged = [index for index, one in enumerate(found) if one.flags]
    kinds = collections.Counter(kind for one in found for kind in {flag.kind for flag in one.flags})
    statuses = collections.Counter(one.status for one in found)
    print(f"{name}: {len(found):,} chains, {sum(one.checked for one in found):,} equations judged, {len(flagged)} chains flagged "
          f"({len(flagged) / len(found):.2%}) {dict(kinds)}  {dict(statuses)}")  # fmt: skip
    for index in flagged[:show]:
        flag, chain = found[index].flags[0], corpus.chains[index]
        around = chain[max(0, flag.start - 60) : flag.end + 20].replace("\n", " | ")
        print(f"    {index:>5} {flag.kind}: {flag.detail}   …{around}…")
    return found


def places(chain: str) -> Iterator[tuple[str, int, int]]:
    """Yield the results of a chain: where they stand (in a mark, behind one, in the text), start and end."""
    marks = [match.span() for match in MARK.finditer(chain)]
    for match in RESULT.finditer(chain):
        group = "direct" if match["direct"] else "behind"
        start, end = match.span(group)
        inside = any(first < start < last for first, last in marks)
        before = re.split(r"[=\n]", chain[: match.start()])[-1]
        if group == "behind" or inside or re.search(r"\d", before):
            yield ("in a mark" if inside else "behind a mark" if group == "behind" else "in the text"), start, end


def changed(chain: str, start: int, end: int, rng: random.Random) -> str:
    place = rng.choice([index for index in range(start, end) if chain[index].isdigit()])
    return chain[:place] + rng.choice([digit for digit in "0123456789" if digit != chain[place]]) + chain[place + 1 :]


def digit_changes(name: str, corpus: Corpus) -> None:
    """Print how many one-digit changes of a result are caught."""
    rng = random.Random(SEED)
    where, mutants = [], []
    for chain, problem, verdict in zip(*corpus, strict=True):
        results = list(places(chain))
        if results:
            kind, start, end = rng.choice(results)
            where.append(kind)
            mutants.append((chain, changed(chain, start, end, rng), problem, verdict))
    chains, altered, problems, verdicts = map(list, zip(*mutants, strict=True))
    caught: collections.Counter[str] = collections.Counter()
    by_answer = 0
    for kind, before, after in zip(where, steps(chains, problems, verdicts), steps(altered, problems, verdicts), strict=True):
        known = {(flag.kind, flag.detail) for flag in before.flags}
        new = [flag for flag in after.flags if (flag.kind, flag.detail) not in known]
        caught[kind] += bool(new)
        by_answer += bool(new) and all(flag.kind == "not_derived" for flag in new)
    total = collections.Counter(where)
    parts = ", ".join(f"{kind} {caught[kind] / total[kind]:.1%} of {total[kind]:,}" for kind in sorted(total))
    print(f"{name}: {sum(caught.values()) / len(where):.1%} of {len(where):,} one-digit changes caught ({parts}); "
          f"{by_answer} only by the answer; {len(corpus.chains) - len(where)} chains hold no result")  # fmt: skip


def speed(name: str, corpus: Corpus) -> None:
    started = time.process_time()
    steps(*corpus)
    print(f"{name}: {len(corpus.chains) / (time.process_time() - started):,.0f} chains a second of CPU")


def false_leaks(name: str, corpus: Corpus, show: int) -> None:
    """Print how many chains that were never told their answer are taken for leaks."""
    found = [leak(chain, problem.answer, problem.question) for chain, problem, _ in zip(*corpus, strict=True)]
    kinds = collections.Counter(one.kind for one in found if one)
    shares = ", ".join(f"{kind} {kinds[kind]} ({kinds[kind] / len(found):.2%})" for kind in ("quotes_hint", "names_gold_first"))
    print(f"{name}: {len(found):,} chains as if hinted: {shares}")
    for index, one in list(filter(lambda pair: pair[1], enumerate(found)))[:show]:
        print(f"    {index:>5} {one.kind if one else ''}: {one.marker if one else ''}")


def leak_recall(corpus: Corpus, sentences: Sequence[str], kind: str, first: bool) -> None:
    """Print how many leak sentences are found: at a chain's start, or at the start of one of its lines."""
    rng = random.Random(SEED)
    hits, total = collections.Counter[str](), collections.Counter[str]()
    for chain, problem, _ in zip(*corpus, strict=True):
        gold, sentence = problem.answer or "", rng.choice(sentences)
        if first and re.search(rf"(?<!\d){re.escape(gold)}(?!\d)", problem.question):
            continue
        lines = chain.split("\n")
        place = 0 if first else rng.randrange(len(lines))
        told = "\n".join([*lines[:place], sentence.format(g=gold), *lines[place:]])
        total[sentence] += 1
        hits[sentence] += leak(told, gold, problem.question) is not None
    missed = {sentence: f"{hits[sentence]}/{total[sentence]}" for sentence in total if hits[sentence] < total[sentence]}
    print(
        f"{kind}: {sum(hits.values()) / sum(total.values()):.1%} of {sum(total.values()):,} leak sentences found; missed: {missed}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=40, help="flags printed of each corpus")
    given = parser.parse_args()
    train, test = gsm8k(given.data / "gsm8k" / "train.jsonl"), gsm8k(given.data / "gsm8k" / "test.jsonl")
    speed("GSM8K train, first run", train)
    for name, corpus in (("GSM8K train", train), ("GSM8K test", test)):
        for marks, texts in (("with marks", corpus), ("without marks", corpus.without_marks())):
            judged(f"{name}, {marks}", texts, given.show)
            digit_changes(f"{name}, {marks}", texts)
            speed(f"{name}, {marks}, again", texts)
    outputs = model_outputs(given.data / "gsm8k" / "model_solutions.jsonl")
    judged("GSM8K model outputs, correct", outputs.correct(), given.show)
    judged("GSM8K model outputs, all", outputs, 0)
    solutions = math500(given.data / "math500" / "test.jsonl")
    judged("MATH-500 solutions", solutions, given.show)
    chains = long_cot(given.data / "long_cot" / "math500_samples.jsonl.gz")
    judged("long chains, correct", chains.correct(), given.show)
    judged("long chains, all", chains, 0)
    for name, corpus in (("GSM8K train", train), ("GSM8K test", test), ("GSM8K model outputs", outputs.correct()),
                         ("MATH-500 solutions", solutions), ("long chains", chains.correct())):  # fmt: skip
        false_leaks(name, corpus, given.show)
    leak_recall(test, QUOTES, "quotes_hint", first=False)
    leak_recall(test, UNSEEN, "wordings not seen before", first=False)
    leak_recall(test, GOLD_FIRST, "names_gold_first", first=True)


if __name__ == "__main__":
    main()
