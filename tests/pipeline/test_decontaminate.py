"""Benchmarks in recipes and on the command line: read, laid down, looked for, counted."""

import gzip
import json
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.benchmark_index import BenchmarkIndex, Item
from filters.checkers import CHECKERS
from pipeline import shards
from pipeline.annotate import annotate
from pipeline.benchmarks import facts, laid_down, read
from pipeline.curate import Annotator
from pipeline.plan import resolve
from pipeline.recipes import parse
from pipeline.rundir import RunDir
from schemas.errors import UserError
from schemas.problem import PROBLEM_SCHEMA
from schemas.recipe import Recipe
from schemas.sample import SAMPLE_SCHEMA
from schemas.tables import table_of
from tests.builders import a_problem, a_sample
from tests.pipeline.recipes_for_tests import RECORDED, recorded_lines, release_hashes, starbeam

QUESTION = "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?"
OTHER = QUESTION.replace("2", "8")


def _recipe(benchmarks: Any, root: str = "", more: str = "") -> Recipe:
    text = f"root = {json.dumps(root)}\n{RECORDED}\n[decontaminate]\nbenchmarks = {benchmarks}\n{more}"
    return parse(text, "r.toml")


def _write(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_files_globs_and_urls_of_every_format_are_read(tmp_path: Path) -> None:
    _write(tmp_path / "a1.jsonl", {"question": "one two", "n": 7}, "", {"question": "three four"})
    (tmp_path / "a2.jsonl.gz").write_bytes(gzip.compress(b'{"question": "five six"}\n'))
    pq.write_table(pa.table({"q": [{"stem": "seven eight"}], "key": [12]}), tmp_path / "b.parquet")
    with fsspec.open("memory://benchmarks/c.ndjson", "wb") as file:
        file.write(b'{"question": "nine ten"}\n')
    tables = '["a*", {path = "b.parquet", name = "bee", field = "q.stem", id = "key"}, "memory://benchmarks/c.ndjson"]'
    items = read(_recipe(tables.replace("a*", "a[12].jsonl*"), str(tmp_path)))
    texts = ["one two", "three four", "five six"]
    assert items == [
        *(Item("a[12].jsonl*", str(row), text) for row, text in enumerate(texts, start=1)),
        Item("bee", "12", "seven eight"),
        Item("c", "1", "nine ten"),
    ]
    assert {name: one["items"] for name, one in facts(items).items()} == {"a[12].jsonl*": 3, "bee": 1, "c": 1}
    assert facts(items)["bee"] != facts([Item("bee", "12", "seven nine")])["bee"]
    assert read(parse(RECORDED, "r.toml")) == []


@pytest.mark.parametrize(
    ("lines", "benchmarks", "message"),
    [
        ([{"problem": "a b"}], '["t.jsonl"]', "benchmark t.jsonl, row 1: no field 'question'; it has problem: name one of these"),
        (
            [{"question": "a b"}, {"question": None}],
            '["t.jsonl"]',
            "benchmark t.jsonl, row 2: field 'question' is null; mend the row or take it out",
        ),
        (
            [{"question": {"stem": "a b", "n": 1}}],
            '["t.jsonl"]',
            "benchmark t.jsonl, row 1: field 'question' is a dict, not text; name a field in it: question.stem, question.n",
        ),
        ([{"question": " "}], '["t.jsonl"]', "benchmark t.jsonl, row 1: field 'question' is empty; mend the row or take it out"),
        (
            [{"question": "?"}],
            '["t.jsonl"]',
            "benchmark t.jsonl, row 1: field 'question' is '?', which has no word to look for; take the row out",
        ),
        (["[1]"], '["t.jsonl"]', "benchmark t.jsonl, row 1: a JSON list, not an object; mend the row or take it out"),
        (
            [{"question": "a b"}],
            '[{path = "t.jsonl", id = "key"}]',
            "benchmark t.jsonl, row 1: no field 'key'; it has question: name one of these",
        ),
        ([], '["t.jsonl"]', "benchmark t.jsonl: holds no record; give a file with questions"),
        (
            [{"question": "a b"}],
            '["t.jsonl", "./t.jsonl"]',
            "benchmarks t.jsonl and ./t.jsonl are both named 't'; give one a name: NAME=./t.jsonl, or in a recipe "
            '{ path = "./t.jsonl", name = "NAME" }',
        ),
        ([], '["u.jsonl"]', "u.jsonl: no such file in HERE; check the name"),
    ],
)
def test_a_benchmark_that_is_not_whole_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[Any], benchmarks: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "in.jsonl", *recorded_lines())
    _write(tmp_path / "t.jsonl", *lines)
    with pytest.raises(UserError) as error:
        resolve(_recipe(benchmarks)).check_inputs()
    assert str(error.value).removeprefix(f"{tmp_path}/").replace(str(tmp_path), "HERE") == message


@pytest.mark.parametrize(
    ("benchmarks", "message"),
    [
        ("[]", "r.toml: decontaminate.benchmarks = []: must have at least 1 item after validation, not 0; change it"),
        (
            '[{path = "t", field = ""}]',
            'r.toml: decontaminate.benchmarks.0.field = "": must have at least 1 character; change it',
        ),
        ("[3]", "r.toml: decontaminate.benchmarks.0 = 3: must be an object; change it"),
        ('"t.jsonl"', 'r.toml: decontaminate.benchmarks = "t.jsonl": must be an array; change it'),
        ('[{paht = "t", path = "t"}]', "r.toml: unknown key 'decontaminate.benchmarks.0.paht'; did you mean 'path'?"),
    ],
)
def test_a_mistake_in_the_recipe_is_one_line(benchmarks: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        _recipe(benchmarks)
    assert str(error.value) == message


def test_check_says_how_many_items_there_are(tmp_path: Path) -> None:
    _write(tmp_path / "in.jsonl", *recorded_lines())
    boilerplate = "Write the answer as a fraction in its lowest terms."
    _write(
        tmp_path / "t.jsonl",
        *({"question": f"Add {'x' * row} and y. {boilerplate}"} for row in range(12)),
        {"question": "add X"},
        {"question": boilerplate},
    )
    _write(tmp_path / "u.jsonl", {"question": QUESTION}, {"question": QUESTION.upper()})
    (tmp_path / "r.toml").write_text(f'{RECORDED}\n[decontaminate]\nbenchmarks = ["t.jsonl", "u.jsonl"]\n')
    done = starbeam("check", "r.toml", cwd=tmp_path)
    assert [line for line in done.stdout.splitlines() if line.startswith("benchmark")] == [
        "benchmark t: 14 items",
        "benchmark u: 2 items",
        "benchmarks: 1 items have the words of another, which stands for them",
        "benchmarks: 5 runs of 8 words stand in over 10 items, or in over half of a benchmark's; "
        "they say of no item that it is there",
        "benchmarks: 1 items have no other words, and cannot be looked for in a longer text: t 14",
        "benchmarks: 12 items have fewer than 8 other words; a text with all but these does not hold them: "
        "t 1, t 2, t 3, t 4, t 5, …",
    ]


def test_the_rule_needs_benchmarks() -> None:
    text = f'{RECORDED}\n[select]\nkeep = ["not_contaminated"]\n'
    with pytest.raises(UserError, match="needs benchmarks to look for; add"):
        resolve(parse(text, "r.toml"))
    assert resolve(parse(f'{text}[decontaminate]\nbenchmarks = ["t.jsonl"]', "r.toml")).recipe.decontaminate is not None


def test_problems_are_looked_at_with_their_options_and_chains_where_asked() -> None:
    problems = [
        a_problem(question=QUESTION),
        a_problem(question="Which?", choices=(QUESTION, "none"), checker="choice", answer="A"),
    ]
    samples = [
        a_sample(problem_id=problems[0].problem_id, reasoning="", response="3"),
        a_sample(problem_id=problems[0].problem_id, index=1, response="3", reasoning=f"It is like this. {OTHER}"),
        a_sample(problem_id=problems[1].problem_id, response="A"),
    ]
    index = BenchmarkIndex.of([Item("test", "1", QUESTION)])

    def seen(**options: Any) -> Any:
        table = annotate({one.problem_id: one for one in problems}, table_of(samples, SAMPLE_SCHEMA), CHECKERS, **options)
        return [hits and [(hit["kind"], hit["field"]) for hit in hits] for hits in table["contamination"].to_pylist()]

    copy, variant = ("copy", "question"), ("variant", "chain")
    assert seen() == [None, None, None]
    assert seen(benchmarks=BenchmarkIndex.of([Item("test", "1", "nothing of the kind is asked")])) == [[], [], []]
    assert seen(benchmarks=index) == [[copy], [copy], [copy]]
    assert seen(benchmarks=index, in_chains=True) == [[copy], [copy, variant], [copy]]


def test_other_items_are_looked_for_anew_and_the_same_are_not(tmp_path: Path) -> None:
    run = RunDir(str(tmp_path / "run"), 1)
    problem = a_problem(question=QUESTION)
    shards.write_table(run.problems(0), table_of([problem], PROBLEM_SCHEMA))
    shards.write_table(run.samples(0), table_of([a_sample(problem_id=problem.problem_id)], SAMPLE_SCHEMA))

    def annotated(*texts: str, more: str = "") -> Any:
        items = [Item("test", str(row), text) for row, text in enumerate(texts, start=1)]
        benchmarks = laid_down(_recipe('["test.jsonl"]', more=more), items, run)
        Annotator(run, CHECKERS, True, benchmarks).annotate(0)
        table = shards.read_table(run.annotated(0))
        return [hit["item"] for hit in table["contamination"][0].as_py()], (tmp_path / "run/annotated/part-00000.parquet").stat()

    hits, made = annotated("nothing of the kind is asked", QUESTION)
    assert hits == ["2"] and annotated("nothing of the kind is asked", QUESTION)[1] == made
    assert annotated(QUESTION)[0] == ["1"] and annotated("nothing of the kind is asked")[0] == []
    assert annotated("nothing of the kind is asked", more="chains = true")[1] != made


@pytest.mark.parametrize("out", ["out.jsonl", "out.parquet"])
def test_the_command_marks_rows_and_says_what_it_found(tmp_path: Path, out: str) -> None:
    texts = [f"First. {QUESTION}", OTHER, "Nothing.", None]
    pq.write_table(pa.table({"q": texts}), tmp_path / "in.parquet")
    _write(tmp_path / "t.jsonl", {"question": QUESTION})
    done = starbeam(
        *("decontaminate", "--in", "in.parquet", "--field", "text=q", "--benchmark", "held=t.jsonl", "--out", out), cwd=tmp_path
    )
    assert done.returncode == 0
    rows = (
        pq.read_table(tmp_path / out).to_pylist()
        if out.endswith("parquet")
        else [json.loads(line) for line in (tmp_path / out).read_text().splitlines()]
    )
    hit = {"benchmark": "held", "item": "1", "overlap": 1.0, "longest_run": 22, "field": "question"}
    assert rows == [
        {"q": texts[0], "contamination": [{**hit, "kind": "copy"}]},
        {"q": texts[1], "contamination": [{**hit, "kind": "variant"}]},
        {"q": texts[2], "contamination": []},
    ]
    assert [json.loads(line)["reason"] for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines()] == ["null_field"]
    said = done.stderr.splitlines()
    assert "starbeam: held: 1 rows hold a copy of an item" in said
    assert "starbeam: held: 1 rows hold an item with other numbers" in said
    assert f"  row:  First. {QUESTION}" in said and said.count(f"  item: {QUESTION}") == 2


def test_fields_of_several_benchmarks(tmp_path: Path) -> None:
    _write(tmp_path / "in.jsonl", {"text": QUESTION}, {"text": "x" * (2 << 20)}, {"text": ""})
    _write(tmp_path / "a.jsonl", {"question": QUESTION})
    _write(tmp_path / "b.jsonl", {"problem": QUESTION})
    both = ("decontaminate", "--in", "in.jsonl", "--benchmark", "a.jsonl", "--benchmark", "b.jsonl")
    assert starbeam(*both, cwd=tmp_path).returncode == 2
    done = starbeam(*both, "--benchmark-field", "question", "--benchmark-field", "problem", cwd=tmp_path)
    assert [hit["benchmark"] for hit in json.loads(done.stdout)["contamination"]] == ["a", "b"]
    assert "text_too_long" in done.stderr and "empty_field" in done.stderr
    wrong = starbeam(*both, *(("--benchmark-field", "question") * 3), cwd=tmp_path)
    assert wrong.returncode == 2 and "3 times for 2 benchmarks" in wrong.stderr


@pytest.mark.parametrize("option", ["--out", "--rejected"])
def test_a_benchmark_is_never_written_over(tmp_path: Path, option: str) -> None:
    _write(tmp_path / "in.jsonl", {"text": QUESTION, "question": OTHER}, {"text": None, "question": OTHER})
    before = _write(tmp_path / "t.jsonl", {"question": QUESTION}).read_bytes()
    command = ("decontaminate", "--in", "in.jsonl", "--benchmark", "u=./t.jsonl", option, "t.jsonl")
    done = starbeam(*command, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        f"starbeam: --benchmark {tmp_path}/t.jsonl: is {option}; give another file",
    )
    assert (tmp_path / "t.jsonl").read_bytes() == before
    again = starbeam("decontaminate", "--in", "in.jsonl", "--benchmark", "a=in.jsonl", "--out", "out.jsonl", cwd=tmp_path)
    assert again.returncode == 0  # what is only read may be so twice


@pytest.mark.load
def test_a_whole_run_turns_copies_away_and_counts_them(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in recorded_lines(30)]
    _write(tmp_path / "in.jsonl", *({**line, "question": f"{OTHER} And {line['question']}"} for line in lines[:10]), *lines[10:])
    _write(tmp_path / "t.jsonl", {"question": QUESTION}, {"question": lines[20]["question"]})
    keep = '[decontaminate]\nbenchmarks = ["t.jsonl"]\n[select]\nkeep = ["not_contaminated"]\n'
    (tmp_path / "r.toml").write_text(f"{RECORDED}{keep}")
    assert "benchmark t: 2 items" in starbeam("check", "r.toml", cwd=tmp_path).stdout
    for out, workers in (("one", "1"), ("two", "2")):
        assert starbeam("build", "r.toml", "--out", out, "--workers", workers, cwd=tmp_path).returncode == 0
    assert release_hashes(tmp_path / "one") == release_hashes(tmp_path / "two")
    manifest = json.loads((tmp_path / "one/release/MANIFEST.json").read_text())
    assert manifest["benchmarks"]["t"]["items"] == 2 and str(tmp_path) not in json.dumps(manifest)
    assert manifest["funnel"]["contaminated"] == {"t": {"copy": 2, "variant": 20}}
    assert manifest["funnel"]["rejected_samples"] == {"contaminated": 2}
    _write(tmp_path / "t.jsonl", {"question": OTHER}, {"question": lines[20]["question"]})
    assert starbeam("curate", "r.toml", "--out", "one", cwd=tmp_path).returncode == 0
    funnel = json.loads((tmp_path / "one/release/MANIFEST.json").read_text())["funnel"]
    assert funnel["rejected_samples"] == {"contaminated": 22} and funnel["contaminated"] == {"t": {"copy": 22}}
