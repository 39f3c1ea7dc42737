import collections
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest

from filters.corpus import Corpus, Row, find
from filters.fingerprints import fingerprints
from filters.signatures import packed, signatures
from pipeline import runner, shards
from pipeline.dedupe import Comparison, FindDuplicates
from pipeline.earlier import EarlierShard
from pipeline.progress import Reporter
from pipeline.release import signatures_of
from pipeline.rundir import RunDir
from pipeline.slices import PlaceStanding, Slices, duplicates_of
from schemas.annotation import Duplicate
from schemas.identity import content_id, partition_of
from schemas.recipe import Select
from schemas.tables import ANNOTATED_SCHEMA

WORDS = (
    "we add the number of red and blue boxes then carry each one over to the far side before they sort what is left of it".split()
)
WORDS += [f"{word}{end}" for word in WORDS for end in ("s", "er")]
PARTITIONS = 3


def _texts(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield a problem's id and a chain: of a few families whose members differ in none, one or more of their words."""
    rng = random.Random(seed)
    families = [[rng.choice(WORDS) for _ in range(40)] for _ in range(count // 6)]
    for _ in range(count):
        family = rng.randrange(len(families))
        text = list(families[family])
        for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
            text[rng.randrange(len(text))] = rng.choice(WORDS)
        yield f"problem {rng.randrange(3)} of {family % 7}", " ".join(text) + " so 4"


def _annotated(chains: list[tuple[str, str]]) -> list[dict[str, Any]]:
    texts = [text for _, text in chains]
    marks = zip(fingerprints(texts), packed(signatures(texts)), strict=True)
    return [
        {
            "sample_id": content_id(problem, text, str(index)),
            "problem_id": problem,
            "index": index,
            "reasoning": "",
            "response": text,
            "answer": "4",
            "choice_order": [],
            "verdict": {"status": "correct", "extracted": "4", "checker": "", "reason": ""},
            "steps": {"status": "hold", "checked": 0, "flags": []},
            "fingerprint": fingerprint,
            "signature": signature,
        }
        for index, ((problem, text), (fingerprint, signature)) in enumerate(zip(chains, marks, strict=True))
    ]


def _written(folder: Path, rows: list[dict[str, Any]], partitions: int = PARTITIONS) -> RunDir:
    run = RunDir(str(folder), partitions)
    for partition in range(partitions):
        of_partition = [row for row in rows if partition_of(row["problem_id"], partitions) == partition]
        shards.write_table(run.annotated(partition), pa.Table.from_pylist(of_partition, schema=ANNOTATED_SCHEMA))
    return run


def _found(run: RunDir, *flags: str, earlier: tuple[EarlierShard, ...] = ()) -> dict[str, Duplicate]:
    """Return who stands for whom, by the graph."""
    slices = Slices(run, Select(), earlier)
    kept = Path(run.url) / "standings.jsonl"
    kept.write_text("")

    def graph(p: beam.Pipeline) -> None:
        found = p | beam.Create(range(run.partitions)) | FindDuplicates(Comparison(slices, 0.8, 0.7, Reporter()))
        _ = found["standings"] | beam.Map(_keep, str(kept))

    runner.run_graph(graph, runner.pipeline_options(flags))
    standings: dict[int, list[PlaceStanding]] = {}
    for line in kept.read_text().splitlines():
        partition, of_partition = json.loads(line)
        standings[partition] = [PlaceStanding(place, Duplicate(*duplicate)) for place, duplicate in of_partition]
    by_id: dict[str, Duplicate] = {}
    for partition in range(run.partitions):
        ids = shards.read_table(run.annotated(partition), ["sample_id"])["sample_id"].to_pylist()
        rows = duplicates_of(slices.compared(partition), standings.get(partition, []))
        by_id |= {ids[row]: duplicate for row, duplicate in rows.items()}
    return by_id


def _keep(element: tuple[int, list[PlaceStanding]], path: str) -> None:
    with open(path, "a") as file:
        file.write(json.dumps(element) + "\n")


def _in_one_process(rows: list[dict[str, Any]]) -> dict[str, Duplicate]:
    """Return the same from `find`, given the order of the graph: the shorter chain, then the id."""
    given = _plain(rows)
    found = zip(given, find(given), strict=True)
    return {row.id: duplicate for row, duplicate in found if duplicate is not None}


ROWS = _annotated(list(_texts(1, 240)))


def test_the_graph_finds_what_one_process_finds(tmp_path: Path) -> None:
    found = _found(_written(tmp_path, ROWS))
    assert found == _in_one_process(ROWS)
    kinds = collections.Counter(one.kind for one in found.values())
    across = sum(
        1 for row in ROWS if (one := found.get(row["sample_id"])) and _by_id(ROWS)[one.kept_id]["problem_id"] != row["problem_id"]
    )
    assert kinds["exact"] > 20 and kinds["near"] > 20 and across > 20 and any(one.jaccard < 0.8 for one in found.values())


def _by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in rows}


@pytest.mark.load
@pytest.mark.parametrize("flag", ["--direct_runner_bundle_repeat=1", "--direct_num_workers=1"])
def test_what_is_found_does_not_depend_on_partitions_order_or_repeated_bundles(tmp_path: Path, flag: str) -> None:
    shuffled = random.Random(2).sample(ROWS, len(ROWS))
    assert _found(_written(tmp_path, shuffled, 5), flag) == _in_one_process(ROWS)


@pytest.mark.load
def test_of_a_bucket_that_is_too_large_for_all_pairs_those_with_one_answer_are_compared(tmp_path: Path) -> None:
    text = " ".join(random.Random(5).choices(WORDS, k=100))
    chains = [(f"problem {number}", f"{text} so it is a{number // 2}" + " then" * (number % 2)) for number in range(300)]
    rows = [{**row, "answer": f"a{number // 2}"} for number, row in enumerate(_annotated(chains))]
    found = _found(_written(tmp_path, rows, 2))
    assert len(found) == 150 and {one.kind for one in found.values()} == {"near"}


@pytest.mark.load
def test_rows_without_an_answer_are_copies_in_the_graph_as_in_one_process(tmp_path: Path) -> None:
    rng = random.Random(6)
    unsure = {"status": "unsure", "checker": "", "reason": ""}
    rows = [{**row, "verdict": {**unsure, "extracted": rng.choice([None, "4", "5"])}} for row in ROWS]
    rows.sort(key=lambda row: (row["verdict"]["extracted"] is None, len(row["response"]), row["sample_id"]))
    given = [
        Row(row["sample_id"], row["response"], row["problem_id"], row["verdict"]["extracted"], -float(place))
        for place, row in enumerate(rows)
    ]
    expected = {row.id: one for row, one in zip(given, find(given), strict=True) if one is not None}
    assert _found(_written(tmp_path, rows)) == expected
    unknown = {row.id for row in given if row.answer is None}
    exact = [(id, one) for id, one in expected.items() if one.kind == "exact"]
    assert sum(id in unknown and one.kept_id not in unknown for id, one in exact) > 10


@pytest.mark.load
def test_a_run_without_rows_and_partitions_without_rows_have_no_copies(tmp_path: Path) -> None:
    assert _found(_written(tmp_path / "empty", [])) == {}
    assert _found(_written(tmp_path / "one", ROWS[:1], 8)) == {}


def _released(folder: Path, rows: list[dict[str, Any]]) -> EarlierShard:
    kept = pa.Table.from_pylist(rows, schema=ANNOTATED_SCHEMA)
    shards.write_table(str(folder / "signatures.parquet"), signatures_of(kept))
    shards.write_table(str(folder / "full.parquet"), kept.select(["sample_id", "reasoning", "response"]))
    return EarlierShard(str(folder / "signatures.parquet"), str(folder / "full.parquet"))


def test_rows_of_earlier_releases_stand_for_their_copies_and_are_never_removed(tmp_path: Path) -> None:
    """Half of the rows were released as they are, copies among them; of the others what is like one of these must go."""
    old, new = ROWS[:120], ROWS[120:]
    found = _found(
        _written(tmp_path / "run", new), earlier=(_released(tmp_path / "a", old[:70]), _released(tmp_path / "b", old[70:]))
    )
    corpus = Corpus()
    corpus.add(_plain(old), earlier=True)
    corpus.add(_plain(new))
    whole = [*old, *new]
    expected = corpus.compare(lambda wanted: (whole[number]["response"] for number in wanted.tolist()))
    assert found.keys() == {whole[number]["sample_id"] for number in expected}
    ids = _by_id(old).keys()
    assert sum(one.kept_id in ids for one in found.values()) > 30 and not found.keys() & ids


def _plain(rows: list[dict[str, Any]]) -> list[Row]:
    order = sorted(ROWS, key=lambda row: (len(row["response"]), row["sample_id"]))
    places = {row["sample_id"]: place for place, row in enumerate(order)}
    return [Row(row["sample_id"], row["response"], row["problem_id"], "4", -float(places[row["sample_id"]])) for row in rows]


def test_old_and_new_rows_of_one_problem_are_all_compared(tmp_path: Path) -> None:
    """More of them than a bucket of a band has room for, and often too unlike to share one."""
    rng = random.Random(4)
    texts = [[f"{rng.choice(WORDS)}{number}" for _ in range(80)] for number in range(120)]
    edits = [[*text[:20], "x", *text[21:40], "y", text[41], "z", *text[43:]] for text in texts]  # 64 of 88 shingles alike
    old, new = (_annotated([("problem", " ".join(text)) for text in kind]) for kind in (texts, edits))
    found = _found(_written(tmp_path / "run", new, 1), earlier=(_released(tmp_path / "earlier", old),))
    assert {row["sample_id"] for row in new} == found.keys()
    assert {one.kept_id for one in found.values()} == {row["sample_id"] for row in old}
