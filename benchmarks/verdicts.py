"""What a verdict costs, how right it is beside math-verify, and whether memory stays flat.

    .venv/bin/python benchmarks/verdicts.py [--part speed|peer|memory] [--samples 8] [--problems 500] [--verdicts 1000000]

speed: verdicts a second of CPU on real GSM8K outputs (2,640 solutions), each repeated as n samples of its problem.  "distinct"
samples differ in their first line, so that no text is seen twice; "identical" ones do not.
peer: the checker `math` and math-verify called plainly (parse and verify in this process, each gold parsed once) on the same
responses: MATH-500 golds as they are, rewritten by rules that keep the value, and with one digit, sign or letter changed.
memory: resident memory of this process and of its helpers over a million verdicts of both sorts.

All take turns, so that a slow moment of the machine meets all.  Seconds are of CPU, the helpers' included.
"""

import argparse
import collections
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from filters import symbolic
from filters.checkers import CHECKERS
from filters.verify import verify
from schemas.problem import Problem

DATA = Path(__file__).parents[2] / "shared" / "data"
BAR_VERDICTS = 20_000  # a second on one core: the project's own aim
BAR_RATIO = 10  # to math-verify: likewise
CHUNK = 5_000  # rows of one call of verify(), about a partition's
FRAMES = ("So the final answer is $\\boxed{{{}}}$.", "We get\n\\[\\boxed{{{}}}.\\]", "Final answer: $\\boxed{{{}}}$")


class Case(NamedTuple):
    """An answer that is known to be right or wrong."""

    gold: str
    answer: str
    is_right: bool


def _cpu() -> float:
    """Return the CPU seconds of this process and of its helpers, ended and running."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in _helpers()]
    running = sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")
    return time.process_time() + os.times().children_user + os.times().children_system + running


def _helpers() -> list[str]:
    tasks = Path("/proc/self/task").iterdir()
    return [pid for task in tasks for pid in (task / "children").read_text().split()]


def _resident(pid: str = "self") -> float:
    """Return a process's resident memory, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def gsm8k(checker: str) -> list[tuple[Problem, str]]:
    """Return 2,640 real solutions with their problems, problem by problem."""
    rows = []
    for line in (DATA / "gsm8k" / "model_solutions.jsonl").read_text("utf-8").split("\n"):
        row = json.loads(line) if line else {}
        for model, solution in row.items():
            if isinstance(solution, dict):
                gold = row["ground_truth"].rpartition("A: ")[2]
                problem = Problem.of(question=row["question"], answer=gold, checker=checker, source=model)
                rows.append((problem, solution["solution"]))
    return rows


def repeated(rows: list[tuple[Problem, str]], samples: int, round_: int | None) -> Iterator[tuple[Problem, str]]:
    """Yield each row as n samples, no two alike in all rounds, or all alike where no round is given."""
    for problem, solution in rows:
        for sample in range(samples):
            yield problem, solution if round_ is None else f"Sample {round_}/{sample}.\n{solution}"


def speed(samples: int, rounds: int) -> None:
    """Print verdicts a second over GSM8K outputs."""
    sets = {checker: gsm8k(checker) for checker in ("numeric", "math")}
    rates: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    correct: dict[str, set[int]] = collections.defaultdict(set)
    for round_ in range(rounds):
        for (checker, rows), how in itertools.product(sets.items(), ("distinct", "identical")):
            pairs = list(repeated(rows, samples, round_ if how == "distinct" else None))
            began, right = _cpu(), 0
            for start in range(0, len(pairs), CHUNK):
                problems, texts = zip(*pairs[start : start + CHUNK], strict=True)
                right += sum(verdict.status == "correct" for verdict in verify(problems, texts, CHECKERS))
            rates[checker, how].append(len(pairs) / (_cpu() - began))
            correct[checker].add(right)
    print(f"GSM8K outputs: {len(sets['numeric']):,} solutions × {samples} samples, medians of {rounds} rounds")
    for (checker, how), found in rates.items():
        rate = statistics.median(found)
        shares = " and ".join(f"{right / len(sets[checker]) / samples:.1%}" for right in correct[checker])
        print(f"  {checker:<8} {how:<10} {rate:>9,.0f} verdicts/s   x{rate / BAR_VERDICTS:.2f} of the bar   correct: {shares}")


def _decimal(match: re.Match[str]) -> str:
    above, below = int(match[1]), int(match[2])
    return match[0] if 10**6 * above % below else f"{above / below:.6f}".rstrip("0").rstrip(".")


_REWRITINGS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (  # what keeps the value
    (r"\\frac", r"\\dfrac"),
    (r"(?<!left)\(([^()]*)(?<!right)\)", r"\\left( \1 \\right)"),
    (r"([+=]|,(?!\\!|\d{3}))", r" \1\\; "),
    (r"^(-?)\\d?frac\{(\d+)\}\{(\d+)\}$", r"\1\2/\3"),
    (r"^\\d?frac\{(\d+)\}\{(\d+)\}$", _decimal),
    (r"^\d{4,}$", lambda match: f"{int(match[0]):,}"),
    (r"(?<=\d),\\! ?(?=\d{3})", ""),
    (r"(?<=\d) ?(?=\\(?:sqrt|pi))", r" \\cdot "),
    (r"([\^_])([0-9])", r"\1{\2}"),
    (r"\^\\circ", "°"),
    (r"^([^=]+) = ([^=]+)$", r"\2 = \1"),
    (r"^([^-+(){}\\=,]+) ?\+ ?([^-+(){}\\=,]+)$", r"\2 + \1"),
    (r"(?<![-+])\\infty", r"+\\infty"),
    (r"pmatrix", "bmatrix"),
    (r"\\text(?=\{)", r"\\mathrm"),
)


def changed(gold: str, dice: random.Random) -> Iterator[str]:
    """Yield the gold with one digit, one sign and one letter changed, as far as it has them."""
    for pattern, other in (
        (r"[0-9]", lambda old: str((int(old) + dice.randrange(1, 10)) % 10)),
        (r"[-+](?!\\infty)", lambda old: "-" if old == "+" else "+"),
        (r"(?<![\\A-Za-z{])[A-Za-z](?![A-Za-z])|(?<=\\text\{)[A-Za-z]|(?<=\()[A-E](?=\))", lambda old: _letter(old, dice)),
    ):
        if places := list(re.finditer(pattern, gold)):
            place = dice.choice(places)
            yield gold[: place.start()] + other(place[0]) + gold[place.end() :]


def _letter(old: str, dice: random.Random) -> str:
    new = dice.choice("abkmnpqrtuvxyz".replace(old.lower(), ""))
    return new if old.islower() else new.upper()


def cases(problems: int) -> list[list[Case]]:
    """Return for each MATH-500 gold the answers to it: itself, what equals it, what does not."""
    groups = []
    for line in (DATA / "math500" / "test.jsonl").read_text("utf-8").strip().split("\n")[:problems]:
        gold = json.loads(line)["answer"]
        right = dict.fromkeys([gold, *(re.sub(pattern, by, gold) for pattern, by in _REWRITINGS)])
        wrong = dict.fromkeys(text for text in changed(gold, random.Random(gold)) if text != gold)
        groups.append([Case(gold, text, True) for text in right] + [Case(gold, text, False) for text in wrong])
    return groups


def _class(gold: str) -> str:
    for name, pattern in (
        ("word or letter", r"\\text\{[^}]*\}|\\text\{\([A-E]\)\}"),
        ("unit or base", r".*(?:\\text|\\mbox|\\circ|\\\$|\d_\{?\d).*"),
        ("matrix", r".*matrix.*"),
        ("equation", r".*=.*"),
        ("interval or set", r".*(?:\\infty|\\cup|\\in\b|[\[\]]|\\\{).*"),
        ("tuple or list", r".*(?:,(?!\\!|\d{3}\b)|\\pm).*"),
        ("integer", r"-?[\d,\\! ]+"),
        ("fraction or decimal", r"-?(?:\d*\.\d+|\d*\\d?frac ?\{?\d+\}? ?\{?\d+\}?)"),
        ("root or π", r"[^A-Za-hj-z]*(?:\\(?:d?frac|sqrt|pi)[^A-Za-hj-z]*)+"),
    ):
        if re.fullmatch(pattern, gold):
            return name
    return "expression"


Judged = tuple[float, list[bool]]  # seconds of CPU, and for each response whether it was called right


def ours(groups: list[list[Case]], samples: int) -> Judged:
    """Judge with the checker `math`: a problem's samples one after the other, as a partition holds them."""
    marks, began = [], _cpu()
    for group in groups:
        problem = _problem(group[0].gold)
        marks += [CHECKERS["math"].check(problem, text).status == "correct" for text in responses(group, samples)]
    return _cpu() - began, marks


def _problem(gold: str) -> Problem:
    return Problem.of(question="", answer=gold, checker="math", source="math500")


def theirs(groups: list[list[Case]], samples: int) -> Judged:
    """Judge with math-verify."""
    import logging

    import math_verify

    logging.disable()
    marks, began = [], _cpu()
    for group in groups:
        gold = math_verify.parse(f"${group[0].gold}$")
        marks += [bool(math_verify.verify(gold, math_verify.parse(text))) for text in responses(group, samples)]
    return _cpu() - began, marks


def responses(group: list[Case], samples: int) -> list[str]:
    """Return a problem's responses, each answer in as many sentences as there are samples; no two are the same text."""
    return [
        f"Sample {sample}.\n" + FRAMES[(place + sample) % len(FRAMES)].format(case.answer)
        for place, case in enumerate(group)
        for sample in range(samples)
    ]


def peer(problems: int, samples: int) -> None:
    """Print speed and accuracy of `math` and of math-verify on the same responses, both warmed by five problems more."""
    groups = cases(problems)
    warming, groups = groups[:5], groups[5:]
    judges = {"ours": ours, "math-verify": theirs}
    seconds = dict.fromkeys(judges, 0.0)
    found: dict[str, list[bool]] = {name: [] for name in judges}
    for judge in judges.values():
        judge(warming, 1)
    for start in range(0, len(groups), 25):
        for name, judge in judges.items():
            took, marks = judge(groups[start : start + 25], samples)
            seconds[name] += took
            found[name] += marks
    flat = [case for group in groups for case in group for _ in range(samples)]
    ratio = seconds["math-verify"] / seconds["ours"]
    print(f"MATH-500: {len(groups)} golds, {len(flat):,} responses, {samples} an answer")
    print(f"  ours is x{ratio:.1f} as fast, x{ratio / BAR_RATIO:.2f} of the bar")
    for name in judges:
        right = sum(mark == case.is_right for mark, case in zip(found[name], flat, strict=True))
        print(f"  {name:<12} {len(flat) / seconds[name]:>9,.0f} verdicts/s of CPU   accuracy {right / len(flat):.2%}")
    _table(flat, found)


def _table(flat: list[Case], found: dict[str, list[bool]]) -> None:
    """Print what each judge gets wrong: how often by class of gold, and which answers."""
    kinds = [f"{name} {mistake}" for name in found for mistake in ("false positive", "false negative")]
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    answers: dict[str, dict[str, None]] = {kind: {} for kind in kinds}  # in order, each once
    for place, case in enumerate(flat):
        row = counts[_class(case.gold)]
        row["right" if case.is_right else "wrong"] += 1
        for name, marks in found.items():
            if marks[place] != case.is_right:
                kind = f"{name} false {'positive' if marks[place] else 'negative'}"
                row[kind] += 1
                answers[kind][f"{case.gold} | {case.answer}"] = None
    print(f"  {'class of gold':<20}{'right':>7}{'wrong':>7}" + "".join(f"{kind:>28}" for kind in kinds))
    for name, row in sorted(counts.items()):
        print(f"  {name:<20}{row['right']:>7}{row['wrong']:>7}" + "".join(f"{row[kind]:>28}" for kind in kinds))
    for kind, texts in answers.items():
        print(f"  {kind}: {len(texts)} answers: " + "; ".join(list(texts)[:20]))


def memory(verdicts: int) -> None:
    """Print resident memory: of 1,000 verdicts 900 on distinct GSM8K outputs, 99 on variants of MATH-500, one by a helper."""
    rows, dice = gsm8k("numeric"), random.Random(0)
    others = [(_problem(case.gold), case.answer) for group in cases(500) for case in group]
    print(f"memory over {verdicts:,} verdicts, MiB: of this process, of its helpers")
    for done in range(0, verdicts + 1, 1000):
        if done % (verdicts // 10) == 0:
            print(f"  {done:>11,} {_resident():>7.0f}   {[round(_resident(pid)) for pid in _helpers()]}", flush=True)
        pairs = [(problem, f"Sample {done}.\n{text}") for problem, text in dice.sample(rows, 900)]
        pairs += [(problem, f"Sample {done}.\n{FRAMES[0].format(answer)}") for problem, answer in dice.sample(others, 99)]
        problems, texts = zip(*pairs, strict=True)
        verify(problems, texts, CHECKERS)
        symbolic.compare(f"(x+{done})^2", f"x^2+{2 * done}x+{done**2}")


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("speed", "peer", "memory"), action="append")
    parser.add_argument("--samples", type=int, default=8, help="a problem, for speed")
    parser.add_argument("--rounds", type=int, default=3, help="of speed")
    parser.add_argument("--problems", type=int, default=500, help="MATH-500 golds, for peer")
    parser.add_argument("--verdicts", type=int, default=1_000_000, help="for memory")
    parser.add_argument("--one-peer", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_peer:
        peer(given.problems, given.one_peer)
        return
    parts = given.part or ["speed", "peer", "memory"]
    if "speed" in parts:
        speed(given.samples, given.rounds)
    if "peer" in parts:
        for samples in ("1", "4"):  # a variant; in a process of its own, where nothing is remembered from the run before
            subprocess.run([sys.executable, __file__, "--one-peer", samples, "--problems", str(given.problems)], check=True)
    if "memory" in parts:
        memory(given.verdicts)


if __name__ == "__main__":
    main()
