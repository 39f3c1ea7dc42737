"""What mining finds of planted openers, what it finds where there is nothing, and what it costs.

    .venv/bin/python -m benchmarks.mining [--rows 20000] [--data DATA]

Chains are sentences of words drawn from a vocabulary with Zipf's frequencies; each chain has topics, whose words it repeats, so
that its words are no draws of their own.  Half of the chains are Chinese.  Twenty openers are planted, ten in each language, in
2 % to 40 % of the chains of one corpus, and a third as often or never in the other.  Printed: how many of the twenty are found and
how many of them stand before all other patterns, for weights of the prior and for corpora of other sizes; how many comparisons of
one corpus split at random find anything; chains a second of CPU in each pass, and memory.  With DATA, which holds
long_cot/math500_samples.jsonl.gz, real chains are split at random too.  Every draw is seeded.
"""

import argparse
import gzip
import json
import random
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from filters import log_odds
from filters.mining import Mined, Read, mine
from filters.patterns import MOST_DOCUMENTS, patterns
from filters.shingles import batches
from filters.tallies import Counter, Sketch
from schemas.identity import rng_for

SEED = 17
WORDS = 4000  # of each vocabulary
SYLLABLES = ("ba", "ko", "ri", "ten", "mu", "sa", "lo", "fi", "da", "ne", "pur", "gol")
PLANTED = (
    *("hold on a second", "let me verify this", "let me recheck that", "another route is open", "to summarise so far"),
    *("working backwards from here", "oops I misread it", "as a sanity check", "scrap that idea", "what if we swap"),
    *(
        "等等好像不对",
        "让我再检查",
        "让我再算",
        "换个角度来看",
        "从结论倒推",
        "总结一下",
        "先分成几步",
        "此路走不通",
        "或者考虑补集",
        "我刚才算错了",
    ),
)
RATES = [0.02, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4] * 2
PRIORS = (0.0001, 0.001, 0.01, 0.1, 1.0)


class Vocabulary(NamedTuple):
    """Words with their cumulated frequencies, and how they become a sentence."""

    words: list[str]
    weights: list[float]
    space: str
    end: str
    length: int

    @classmethod
    def of(cls, language: str) -> "Vocabulary":
        rng = rng_for(SEED, language, 0)
        if language == "en":
            words = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randrange(1, 5))) for _ in range(WORDS)]
        else:
            words = ["".join(chr(rng.randrange(0x5000, 0x5800)) for _ in range(rng.randrange(1, 4))) for _ in range(WORDS)]
        weights, total = [], 0.0
        for rank in range(WORDS):
            total += 1 / (rank + 3)
            weights.append(total)
        return cls(words, weights, *((" ", ". ", 12) if language == "en" else ("", "。", 10)))

    def sentence(self, rng: random.Random, topics: Sequence[str]) -> str:
        drawn = rng.choices(self.words, cum_weights=self.weights, k=self.length)
        return self.space.join(rng.choice(topics) if rng.random() < 0.1 else word for word in drawn)


def chains(name: str, rows: int, scale: float) -> list[str]:
    """Return chains of about 300 words, with planted openers at their rates times `scale`."""
    known = [Vocabulary.of(language) for language in ("en", "zh")]
    found = []
    for row in range(rows):
        rng, one = rng_for(SEED, name, row), known[row % 2]
        topics = rng.sample(one.words, 4)
        sentences = [one.sentence(rng, topics) for _ in range(25)]
        places = rng.sample(range(len(sentences)), len(PLANTED))
        for place, opener, rate in zip(places, PLANTED, RATES, strict=True):
            if opener.isascii() == (row % 2 == 0) and rng.random() < rate * scale:
                sentences[place] = f"{opener}{one.space}{sentences[place]}"
        found.append(one.end.join(sentences) + one.end)
    return found


def read(texts: Sequence[str]) -> Read:
    def parts() -> Iterator[Sequence[str]]:
        return (texts[first:last] for first, last in batches(texts))

    return parts


def place_of(found: Mined, opener: str) -> int | None:
    """Return the place of the first pattern that is an opener's beginning, at least half of it, or holds it."""
    wanted = opener.lower().replace(" ", "")
    for place, one in enumerate(one for one in found.findings if one.z > 0):
        words = "".join(one.words)
        if words.startswith(wanted) or (wanted.startswith(words) and 2 * len(words) >= len(wanted)):
            return place
    return None


def planted(rows: int) -> None:
    """Print how many planted openers are found, and how many of them stand at the top."""
    ours = chains("ours", rows, 1.0)
    for often, scale in (("a third as often", 1 / 3), ("never", 0.0)):
        theirs = chains("theirs", rows, scale)
        for prior in PRIORS:
            log_odds.PRIOR = prior
            say(f"{often} in the other, prior {prior:g}", mine((read(ours), read(theirs))))
        log_odds.PRIOR = 0.1
        for many, others in ((rows, rows // 10), (rows // 10, rows)):
            say(f"{often} in the other, {many:,} against {others:,}", mine((read(ours[:many]), read(theirs[:others]))))


def say(what: str, found: Mined) -> None:
    places = [place_of(found, opener) for opener in PLANTED]
    there = [place for place in places if place is not None]
    shown = [one.z for one in found.findings if one.z > 0]
    first = sum(place < len(there) for place in there)
    missed = sorted(RATES[place] for place, one in enumerate(places) if one is None)
    print(f"{what}: {len(there)} of 20 found, {first} at the top of {len(shown)}; mean z {sum(shown) / len(shown):.1f}; "
          f"missed rates: {missed}")  # fmt: skip


def nothing(name: str, texts: Sequence[str], seeds: int) -> None:
    """Print how many comparisons of parts drawn at random find anything."""
    for share in (0.5, 0.1, 0.02):
        hits = []
        for seed in range(seeds):
            mixed = list(texts)
            rng_for(seed, "split", 0).shuffle(mixed)
            cut = int(len(mixed) * share)
            hits.append(len(mine((read(mixed[:cut]), read(mixed[cut:]))).findings))
        print(f"{name}, {share:.0%} against the rest: {sum(map(bool, hits))} of {seeds} comparisons find anything: {hits}")


def speed(texts: Sequence[str]) -> None:
    """Print chains a second of CPU in each pass."""
    words = sum(int(patterns(texts[first:last]).units[:, :2].sum()) for first, last in batches(texts)) / len(texts)
    sketch, started = Sketch(), time.process_time()
    for part in read(texts)():
        sketch.add(patterns(part))
    sketched = time.process_time()
    counter = Counter(sketch, 30)
    for part in read(texts)():
        counter.add(patterns(part), 0)
    counter.tally()
    counted = time.process_time()
    rates = [len(texts) / seconds for seconds in (sketched - started, counted - sketched)]
    print(f"{len(texts):,} chains of {words:.0f} words: {rates[0]:,.0f} a second of CPU in the first pass, {rates[1]:,.0f} in the "
          f"second; patterns of {counter.least} occurrences or more")  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:,.0f} MiB, of which texts {sum(len(text.encode()) for text in texts) / 2**20:,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000, help="of the corpora whose cost is measured")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    planted(4000)
    nothing("own chains", chains("null", 2000, 1.0), 20)
    if given.data is not None:
        with gzip.open(given.data / "long_cot" / "math500_samples.jsonl.gz", "rt") as lines:
            nothing("real chains", [json.loads(line)["response"] for line in lines], 20)
    assert given.rows > MOST_DOCUMENTS
    speed(chains("speed", given.rows, 1.0))


if __name__ == "__main__":
    main()
