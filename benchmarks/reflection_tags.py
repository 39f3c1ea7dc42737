"""How well the tagger of reflections finds what readers marked, beside plain keyword lists, and how fast it is.

    python -m benchmarks.reflection_tags [--split development|test] [--windows FILE] [--speed FILE] [--show]

passages: the project's own, `reflection_set/`, written for this without sight of the rules; families of the test half are not in
    the development half, but for its third file of negatives, which has some of their themes in other texts.
    marked: with a usual marker word; unmarked: a behaviour without one; negative: none, though it looks so.
windows: of real model outputs (--windows: `math500_samples.jsonl.gz`), drawn at random and labelled by reading;
    `reflection_set/windows.jsonl` holds places and labels alone.
The readers were language models that had not seen the rules.
speed: chains of 300 words a CPU second, from the same outputs, and 1 MB of what could take long.

A label that was found counts where it overlaps one of the same label that was marked; overlap (IoU) is the mean over these pairs.
Keyword lists are what published counters look for, counted as they count: as substrings of lower-cased text.
"""

import argparse
import collections
import concurrent.futures
import gzip
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from filters.reflections import tag
from filters.sentence_rules import sentence_rules
from schemas.annotation import LABELS

FOLDER = Path(__file__).parent / "reflection_set"
TURNS = 5  # processes in which the speed is measured
# The project's own aims.
BAR_MICRO, BAR_LANGUAGES, BAR_NEGATIVE, BAR_UNMARKED, BAR_SPEED = 0.75, 0.05, 0.15, 0.45, 4000

ADVERSARIAL = (
    *(
        "a",
        "wait, ",
        "the total is 12. ",
        "alpha, beta, gamma. ",
        "it is 5 cm. It comes to 7 cm. ",
        "let me check ",
        '"',
        "`",
        "'a",
    ),
    *("等等，", "是不是3？", "甲3，乙4，丙5。", "等", "，", "都1"),
    "i th, let me test alternativelet piec, we i'll split the problem into two cases, starting with what we want to show. ",
)

Labelled = tuple[str, int, int]
Tagger = Callable[[str, str], list[Labelled]]

# Words of published counters, each under the label that it means at most.
KEYWORDS: dict[str, dict[str, Sequence[str]]] = {
    # sail-sg/oat-zero, analysis/eval_self_reflect.py, with the additions of sail-sg/understand-r1-zero
    "oat-zero, r1-zero": {
        "verification": ("recheck", "check again", "double-check", "verify again", "re-examine", "reexamine", "go over the steps"),
        "backtracking": ("try again",),
        "hesitation": ("rethink", "think again", "reevaluat", "re-evaluat", "reassess", "reconsider", "reanalyze"),
    },
    # hkust-nlp/simpleRL-reason, collect_results.py
    "simpleRL": {
        "verification": ("recheck",),
        "backtracking": ("try again", "retry"),
        "hesitation": ("wait", "rethink", "however"),
        "alternative": ("alternatively",),
    },
    # the replication of SEAL: transition and reflection
    "SEAL": {
        "verification": ("verify", "make sure", "'s correct", "'s incorrect", "let me check", "seems right"),
        "hesitation": ("wait", "hold on", "think again"),
        "alternative": (
            *("alternatively", "think differently", "another way", "another approach", "another method", "another solution"),
            *("another strategy", "another technique"),
        ),
    },
    # NOWAIT, its English list
    "NOWAIT": {
        "verification": ("check", "double-check", "verify"),
        "hesitation": ("wait", "hmm", "but", "however", "oh", "maybe", "again", "ah"),
        "alternative": ("alternatively", "alternative", "another", "other"),
    },
}


class Passage(NamedTuple):
    """A text with what readers marked in it."""

    id: str
    text: str
    question: str
    language: str
    kind: str  # marked, unmarked or negative
    labels: list[Labelled]


class Score(NamedTuple):
    """Counts over some passages."""

    found: int  # that were marked and found
    marked: int
    right: int  # of what was found
    tagged: int
    overlap: float  # summed

    @property
    def precision(self) -> float:
        return self.right / self.tagged if self.tagged else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.marked if self.marked else 0.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def passages(split: str) -> list[Passage]:
    """Return the passages of one half."""
    files = sorted(FOLDER.glob("development*.jsonl" if split == "development" else "test*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return [
        Passage(row["id"], row["text"], row["problem"] or "", row["language"], row["kind"], _labels(row["labels"])) for row in rows
    ]


def windows(path: Path, split: str) -> list[Passage]:
    """Return the windows of one half, with the text from the outputs' file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    found = []
    for line in (FOLDER / "windows.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["split"] == ("dev" if split == "development" else "test"):
            record, start = records[row["row"]], row["start"]
            labels = [(label, first - start, last - start) for label, first, last in _labels(row["labels"])]
            text = record["response"][start : row["end"]]
            kind = "marked" if labels else "negative"
            found.append(Passage(f"{row['row']}:{start}", text, record["question"], "en", kind, labels))
    return found


def _labels(given: Iterable[dict[str, Any]]) -> list[Labelled]:
    return [(one["label"], one["start"], one["end"]) for one in given]


def by_rules(text: str, question: str) -> list[Labelled]:
    """Return what the tagger finds."""
    return [(one.label, one.start, one.end) for one in tag(text, question)]


def by_keywords(lists: dict[str, Sequence[str]]) -> Tagger:
    """Return a tagger that finds words as substrings."""

    def find(text: str, question: str) -> list[Labelled]:
        low, found = text.lower(), []
        for label, words in lists.items():
            for word in words:
                at = low.find(word)
                while at >= 0:
                    found.append((label, at, at + len(word)))
                    at = low.find(word, at + len(word))
        return found

    return find


def scores(given: Sequence[Passage], tagger: Tagger) -> dict[str, Score]:
    """Return the score of each label, and of all under "micro"."""
    counts: dict[str, list[float]] = collections.defaultdict(lambda: [0, 0, 0, 0, 0.0])
    for passage in given:
        tagged = tagger(passage.text, passage.question)
        for label in LABELS:
            marked = [one for one in passage.labels if one[0] == label]
            mine = [one for one in tagged if one[0] == label]
            count = counts[label]
            for one in marked:
                best = max((_overlap(one, other) for other in mine), default=0.0)
                count[0] += best > 0
                count[1] += 1
                count[4] += best
            count[2] += sum(any(_overlap(one, other) > 0 for other in marked) for one in mine)
            count[3] += len(mine)
    found = {label: _score(counts[label]) for label in LABELS}
    return {**found, "micro": _score([sum(column) for column in zip(*counts.values(), strict=True)])}


def _score(count: Sequence[float]) -> Score:
    return Score(int(count[0]), int(count[1]), int(count[2]), int(count[3]), count[4])


def _overlap(one: Labelled, other: Labelled) -> float:
    shared = min(one[2], other[2]) - max(one[1], other[1])
    return max(shared, 0) / (max(one[2], other[2]) - min(one[1], other[1]))


def print_scores(given: Sequence[Passage], title: str) -> Score:
    """Print the figures of each label and return the micro average."""
    found = scores(given, by_rules)
    print(f"{title}: {len(given)} texts, {sum(len(one.labels) for one in given)} labels")
    print(f"  {'label':<18}{'marked':>8}{'tagged':>8}{'precision':>11}{'recall':>8}{'F1':>7}{'IoU':>7}")
    for label, one in found.items():
        overlap = one.overlap / one.found if one.found else 0.0
        figures = f"{one.precision:>11.3f}{one.recall:>8.3f}{one.f1:>7.3f}{overlap:>7.2f}"
        print(f"  {label:<18}{one.marked:>8}{one.tagged:>8}{figures}")
    return found["micro"]


def print_constructed(split: str) -> None:
    given = passages(split)
    micro = print_scores(given, f"passages of the project's own, {split}")
    languages = {language: [one for one in given if one.language == language] for language in ("en", "zh", "mixed")}
    f1 = {language: scores(chosen, by_rules)["micro"].f1 for language, chosen in languages.items()}
    negative = [one for one in given if one.kind == "negative"]
    wrong = sum(bool(by_rules(one.text, one.question)) for one in negative) / max(len(negative), 1)
    unmarked = scores([one for one in given if one.kind == "unmarked"], by_rules)["micro"].recall
    print(f"  micro F1 {micro.f1:.3f} (at least {BAR_MICRO})")
    named = ", ".join(f"{name} {value:.3f}" for name, value in f1.items())
    print(f"  by language: {named}; en and zh {abs(f1['en'] - f1['zh']):.3f} apart (at most {BAR_LANGUAGES})")
    print(f"  a false label in {wrong:.1%} of {len(negative)} negatives (at most {BAR_NEGATIVE:.0%})")
    print(f"  found of behaviours without a marker word {unmarked:.1%} (at least {BAR_UNMARKED:.0%})")


def print_keywords(given: Sequence[Passage]) -> None:
    negative = [one for one in given if one.kind == "negative"]
    for name, lists in KEYWORDS.items():
        tagger = by_keywords(lists)
        micro = scores(given, tagger)["micro"]
        wrong = sum(bool(tagger(one.text, "")) for one in negative) / max(len(negative), 1)
        print(
            f"  keywords of {name:<18} precision {micro.precision:.3f}  recall {micro.recall:.3f}  F1 {micro.f1:.3f}  "
            f"a false label in {wrong:.1%} of negatives"
        )


def print_speed(path: Path) -> None:
    """Print chains of 300 words a CPU second, on real outputs cut to that length, with the compiled kernel and without."""
    spawned = multiprocessing.get_context("spawn")
    rates = {}
    with concurrent.futures.ProcessPoolExecutor(1, spawned, max_tasks_per_child=1) as processes:
        for turn in [processes.submit(_turn, path, compiled) for _ in range(TURNS) for compiled in (True, False)]:
            compiled, rate = turn.result()
            rates.setdefault(compiled, []).append(rate)
    for compiled, some in rates.items():
        rate = statistics.median(some)
        told = f"{rate:,.0f} a CPU second, x{rate / BAR_SPEED:.2f} of {BAR_SPEED:,}"
        print(f"chains of 300 words, {'compiled' if compiled else 'plain Python'}: {told}; median of {TURNS} processes")


def _turn(path: Path, compiled: bool) -> tuple[bool, float]:
    """Return how many chains are tagged a CPU second, when all patterns are compiled and most words known.

    The chains are of other outputs than those before: what is remembered of a sentence helps only where it comes again.
    """
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["response"] for line in file]
    rules = sentence_rules("en")  # its patterns are compiled when they are asked for
    for patterns in rules._compiled:
        for number in range(len(rules.index.patterns)):
            patterns[number]
    for chain in _chains(texts[::2]):
        tag(chain, compiled=compiled)
    chains = _chains(texts[1::2])
    began = time.process_time()
    for chain in chains:
        tag(chain, compiled=compiled)
    return compiled, len(chains) / (time.process_time() - began)


def print_adversarial() -> None:
    """Print CPU seconds for 1 MB of UTF-8 of what could take long."""
    for unit in ADVERSARIAL:
        text = unit * (1_000_000 // len(unit.encode()))
        began = time.process_time()
        tag(text)
        print(f"  1 MB of {unit!r}: {time.process_time() - began:.2f} s")


def _chains(texts: Sequence[str]) -> list[str]:
    """Return texts in pieces of 300 words."""
    chains = []
    for text in texts:
        words = text.split(" ")
        chains += [" ".join(words[first : first + 300]) for first in range(0, len(words) - 299, 300)]
    return chains


def show(given: Sequence[Passage]) -> None:
    """Print what was missed and what was tagged without a mark."""
    for passage in given:
        tagged = by_rules(passage.text, passage.question)
        for sign, mine, others in (("-", passage.labels, tagged), ("+", tagged, passage.labels)):
            for one in mine:
                if not any(one[0] == other[0] and _overlap(one, other) > 0 for other in others):
                    print(f"{sign} {passage.id} {passage.kind} {one[0]}: {passage.text[one[1] : one[2]]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("development", "test"), default="test")
    parser.add_argument("--windows", type=Path, help="math500_samples.jsonl.gz")
    parser.add_argument("--speed", type=Path, help="math500_samples.jsonl.gz")
    parser.add_argument("--show", action="store_true", help="print what was missed (-) and what nobody marked (+)")
    given = parser.parse_args()
    print_constructed(given.split)
    print_keywords(passages(given.split))
    if given.show:
        show(passages(given.split))
    if given.windows:
        real = windows(given.windows, given.split)
        print_scores(real, f"windows of real outputs, {given.split}")
        print_keywords(real)
        if given.show:
            show(real)
    if given.speed:
        print_speed(given.speed)
        print_adversarial()


if __name__ == "__main__":
    main()
