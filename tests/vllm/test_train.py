"""The trainer that comes with the loop: what it trains on, what it writes, and what it says of bad input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.vllm.test_engine import asked, request_of
from tests.vllm.tiny_model import TEMPLATE, save_model

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(300)]
ROWS = [
    {
        "prompt": [{"role": "user", "content": f"What is {number} plus 1?"}],
        "completion": [{"role": "assistant", "content": f"The answer is {number + 1}."}],
        "sample_id": str(number),
    }
    for number in range(40)
]


def trained(base: Path | str, data: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Return what came of the trainer's command: two steps."""
    command = [sys.executable, "-P", "-m", "pipeline.train", "--data", str(data), "--base", str(base), "--output", str(output)]
    return subprocess.run([*command, "--steps", "2", "--seed", "3", "--warmup", "1", *more], capture_output=True, text=True)


def options(base: Path, data: Path, output: Path, *more: str) -> Any:
    """Return options as the command line gives them."""
    from pipeline.train import options_of

    return options_of(["--data", str(data), "--base", str(base), "--output", str(output), "--steps", "2", "--seed", "3", *more])


def prepared(base: Path, folder: Path, *more: str) -> tuple[Any, Any]:
    """Return the trainer over the rows of a folder, and the tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from pipeline.train import prepare, read_rows

    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    chosen = options(base, folder, folder / "unused", *more)
    return prepare(chosen, read_rows(folder), model, tokenizer, folder / "scratch"), tokenizer


def texts_of(trainer: Any, tokenizer: Any) -> tuple[str, str]:
    """Return the first row's whole text and the part of it that has a loss."""
    row = trainer.trl.train_dataset[0]
    return tokenizer.decode(row["input_ids"]), tokenizer.decode([label for label in row["labels"] if label >= 0])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two shards with a column more than is needed."""
    folder = tmp_path_factory.mktemp("data")
    for shard, rows in enumerate((ROWS[:30], ROWS[30:])):
        pq.write_table(pa.Table.from_pylist(rows), folder / f"train-0000{shard}-of-00002.parquet")
    return folder


def weights_of(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_a_trained_model_is_whole_repeats_with_its_seed_and_is_what_vllm_loads(model: Path, data: Path, tmp_path: Path) -> None:
    import torch

    one, again, other = tmp_path / "one", tmp_path / "again", tmp_path / "other"
    for output, seed in ((one, "3"), (again, "3"), (other, "4")):
        done = trained(model, data, output, "--learning-rate", "1e-3", "--seed", seed)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "one", "other"]  # nothing half written beside them
    before, mine, same, others = map(weights_of, (model, one, again, other))
    assert mine.keys() == before.keys() and all(torch.equal(mine[name], same[name]) for name in mine)
    assert not any(torch.equal(mine[name], before[name]) for name in mine)
    assert not all(torch.equal(mine[name], others[name]) for name in mine)
    assert {value.dtype for value in mine.values()} == {torch.float32}

    assert asked(one, tmp_path, request_of("What is 1 plus 1?"))[0].choices


def test_the_loss_is_on_the_completion_alone_and_ends_with_the_end_of_text(model: Path, data: Path, tmp_path: Path) -> None:
    whole, learned = texts_of(*prepared(model, data))
    assert whole == "<s><|user|>What is 0 plus 1?<|assistant|>The answer is 1."  # this template ends no turn
    assert learned == "The answer is 1."
    assert "ends no turn" in trained(model, data, tmp_path / "endless").stderr
    ended = tmp_path / "ended"
    save_model(
        ended, template=TEMPLATE.replace("{% endfor %}", "{% if message['role'] == 'assistant' %}</s>{% endif %}{% endfor %}")
    )
    assert texts_of(*prepared(ended, data))[1] == "The answer is 1.</s>"
    plain = tmp_path / "plain"
    save_model(plain, template=None)
    assert texts_of(*prepared(plain, data)) == ("What is 0 plus 1?The answer is 1.</s>", "The answer is 1.</s>")


def test_rows_beyond_the_length_are_cut_and_counted(model: Path, tmp_path: Path) -> None:
    long = {"prompt": [{"role": "user", "content": "x" * 100}], "completion": ROWS[0]["completion"]}
    tail = {"prompt": ROWS[0]["prompt"], "completion": [{"role": "assistant", "content": "y" * 100}]}
    pq.write_table(
        pa.Table.from_pylist([{name: row[name] for name in tail} for row in (ROWS[0], long, tail)]), tmp_path / "a.parquet"
    )
    trainer, _ = prepared(model, tmp_path, "--max-length", "40")
    assert trainer[1:4] == (3, 2, 1)
    assert [len(ids) for ids in trainer.trl.train_dataset["input_ids"]] == [len(trainer.trl.train_dataset[0]["input_ids"]), 40]
    done = trained(model, tmp_path, tmp_path / "out", "--max-length", "40")
    assert done.returncode == 0
    assert "2 of 3 rows are longer than --max-length 40 tokens and were cut (1 of them left out" in done.stderr
    nothing = trained(model, tmp_path, tmp_path / "none", "--max-length", "2")
    assert nothing.returncode == 2 and "no row has a token of its completion left" in nothing.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "no Parquet file"),
        ([], "without a row"),
        ([{"messages": "x", "prompt": ROWS[0]["prompt"]}], "has no column 'completion' but ['messages', 'prompt']"),
        ([{"prompt": "x", "completion": "y"}], "must be lists of {role, content}"),
        ([{"prompt": ROWS[0]["prompt"], "completion": []}, ROWS[0]], "a row has an empty completion"),
        ([{**ROWS[0], "prompt": [{"role": "user", "content": None}]}, ROWS[0]], "a message of a prompt has no role or no content"),
        (b"not Parquet", "cannot be read as Parquet"),
    ],
)
def test_bad_data_are_one_line(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: Any, said: str) -> None:
    from pipeline.train import main

    file = tmp_path / "rows.parquet"
    if isinstance(rows, bytes):
        file.write_bytes(rows)
    elif rows is not None:
        table = pa.Table.from_pylist(rows) if rows else pa.Table.from_pylist(ROWS).slice(0, 0)
        pq.write_table(table, file)
    command = ["--data", str(tmp_path), "--base", str(model), "--output", str(tmp_path / "out"), "--steps", "2", "--seed", "3"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert said in line and line.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_base_that_is_not_there_and_an_output_that_is_are_one_line(model: Path, data: Path, tmp_path: Path) -> None:
    absent = trained(tmp_path / "absent", data, tmp_path / "out")
    assert absent.returncode == 2 and "cannot be loaded" in absent.stderr and absent.stderr.count("\n") == 1
    (tmp_path / "mine").write_text("a file of mine")
    taken = trained(model, data, tmp_path)
    assert taken.returncode == 2 and "exists and is no empty folder; remove it" in taken.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_rows_given_as_well_are_trained_on(model: Path, data: Path, tmp_path: Path) -> None:
    import torch

    more = tmp_path / "more"
    more.mkdir()
    pq.write_table(pa.Table.from_pylist([ROWS[0]] * 40), more / "rows.parquet")
    for output, flags in (("without", ()), ("with", ("--also", str(more)))):
        assert trained(model, data, tmp_path / output, *flags).returncode == 0
    without, beside = weights_of(tmp_path / "without"), weights_of(tmp_path / "with")
    assert not all(torch.equal(without[name], beside[name]) for name in without)
    absent = trained(model, data, tmp_path / "none", "--also", str(tmp_path / "absent"))
    assert absent.returncode == 2 and "absent: no Parquet file there" in absent.stderr


def test_a_killed_trainer_leaves_no_model_and_the_next_one_goes_on(model: Path, data: Path, tmp_path: Path) -> None:
    left = tmp_path / ".out.partial"
    left.mkdir()
    (left / "config.json").write_text(json.dumps({"of": "a killed one"}))
    done = trained(model, data, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert not left.exists()
    assert "of" not in json.loads((tmp_path / "out" / "config.json").read_text())


def test_a_trainer_without_trl_is_one_line(model: Path, data: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "trl"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('no', name='trl')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from pipeline.train import main; main()"
    command = [sys.executable, "-P", "-c", code, "--data", str(data), "--base", str(model), "--output", str(tmp_path / "out")]
    done = subprocess.run([*command, "--steps", "2", "--seed", "3"], capture_output=True, text=True)
    assert done.returncode == 2 and "the trainer needs TRL, and there is no trl" in done.stderr
