"""A trainer for the loop of `starbeam star`: supervised fine-tuning with TRL, started as a command of its own.

    python -P -m pipeline.train --data FOLDER --base FOLDER_OR_NAME --output FOLDER --steps N --seed N

The data are Parquet files with the columns `prompt` and `completion`, each a list of {role, content}; the loss is taken on the
completion alone.  `--also FOLDER` gives rows to train on beside those of the round: the human solutions of RFT (arXiv 2308.01825),
or the first examples of a base model that would forget how to use a hint.  A tokenizer with a chat template gets the messages; one
without gets them as plain text, the prompt's joined as teachers join them for completions, with the end-of-text token after the
completion.  The learning rate stays constant after its warm-up, as in STaR (arXiv 2203.14465).  Weights are trained in float32, on
a GPU with bfloat16 arithmetic where it has it, and written in the base model's own precision.  Needs the extra `trl`.  Exit 0:
trained; 1: training failed; 2: the input can be mended.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import RunError, UserError

COLUMNS = ("prompt", "completion")
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
UNTRAINED = -100  # the label of a token that has no loss, in torch and transformers


class Trainer(NamedTuple):
    """TRL's trainer over the tokenized rows, and what they lost."""

    trl: Any
    rows: int
    cut: int  # rows that were longer than the limit
    empty: int  # of these, rows of whose completion nothing was left


def options_of(arguments: list[str]) -> argparse.Namespace:
    """Return the command's options.  Exits with 2 where they cannot be read."""
    parser = argparse.ArgumentParser(prog="pipeline.train", description="Fine-tune a model on prompts and completions with TRL.")
    parser.add_argument("--data", type=Path, required=True, help="folder of Parquet files with the columns prompt and completion")
    parser.add_argument("--also", type=Path, action="append", default=[], help="folder of rows to train on as well, in every round")
    parser.add_argument("--base", required=True, help="the model to start from: a folder or a name on the Hub")
    parser.add_argument("--output", type=Path, required=True, help="folder to write the trained model to; new or empty")
    parser.add_argument("--steps", type=_above(int), required=True, help="optimizer steps")
    parser.add_argument("--seed", type=int, required=True, help="of the rows' order and of dropout")
    parser.add_argument("--learning-rate", type=_above(float), default=1e-6, help="after the warm-up (STaR's: %(default)s)")
    parser.add_argument("--batch-size", type=_above(int), default=8, help="rows of a step (%(default)s)")
    parser.add_argument("--max-length", type=_above(int), default=4096, help="tokens of a row, longer ones are cut (%(default)s)")
    parser.add_argument("--warmup", type=int, default=100, help="steps over which the rate rises (STaR's: %(default)s)")
    return parser.parse_args(arguments)


def _above(kind: type) -> Any:
    def number(text: str) -> Any:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError(text)
        return value

    number.__name__ = f"positive {kind.__name__}"  # what argparse calls it where it fails
    return number


def read_rows(folder: Path) -> pa.Table:
    """Return the rows of a folder's Parquet files, in the order of names.  Raises UserError where there are none."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise UserError(f"{folder}: no Parquet file there; give an export with prompts and completions")
    tables = []
    for file in files:
        try:
            table = pq.read_table(file, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{file} cannot be read as Parquet ({error}); mend or remove it") from None
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise UserError(f"{file} has no column {missing[0]!r} but {table.column_names}; export prompts and completions")
        try:
            tables.append(table.select(COLUMNS).cast(pa.schema([(name, MESSAGES) for name in COLUMNS])))
        except (ValueError, pa.ArrowException):
            types = [str(table.schema.field(name).type) for name in COLUMNS]
            raise UserError(f"{file}: {COLUMNS} must be lists of {{role, content}}, they are {types}; export them so") from None
    rows = pa.concat_tables(tables)
    if not rows.num_rows:
        raise UserError(f"{folder}: {len(files)} Parquet files without a row; there is nothing to train on")
    for name in COLUMNS:
        if rows[name].null_count or not all(rows[name].to_pylist()):
            raise UserError(f"{folder}: a row has an empty {name}; each needs one message at least")
        if any(None in message.values() for messages in rows[name].to_pylist() for message in messages):
            raise UserError(f"{folder}: a message of a {name} has no role or no content; each needs both")
    return rows


def plain_text(messages: list[dict[str, str]]) -> str:
    """Return messages as the text of a completions request."""
    return "\n\n".join(message["content"] for message in messages)


def prepare(options: argparse.Namespace, rows: pa.Table, model: Any, tokenizer: Any, folder: Path) -> Trainer:
    """Return a trainer whose rows are tokenized and cut to the limit.  Raises UserError where nothing of them is left."""
    import torch
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from trl import SFTConfig, SFTTrainer

    if not tokenizer.chat_template:
        rows = pa.table({name: pa.array([plain_text(one) for one in rows[name].to_pylist()], pa.string()) for name in COLUMNS})
    on_gpu = torch.cuda.is_available()
    settings = SFTConfig(
        output_dir=str(folder),
        max_steps=options.steps,
        seed=options.seed,
        learning_rate=options.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=options.warmup,
        per_device_train_batch_size=options.batch_size,
        max_length=None,  # cut below, where it is counted
        completion_only_loss=True,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,  # it saves memory for a fifth of the time
        save_strategy="no",
        report_to="none",
        logging_steps=max(1, options.steps // 10),
        disable_tqdm=True,
        dataloader_pin_memory=on_gpu,
    )
    trl = SFTTrainer(model, settings, train_dataset=Dataset(InMemoryTable(rows)), processing_class=tokenizer)
    limit, whole = options.max_length, trl.train_dataset
    cut = sum(len(ids) > limit for ids in whole["input_ids"])
    short = whole.map(lambda row: {name: row[name][:limit] for name in ("input_ids", "labels")}) if cut else whole
    trl.train_dataset = short.filter(lambda row: any(label != UNTRAINED for label in row["labels"]))
    left = len(trl.train_dataset)
    if not left:
        raise UserError(f"--max-length {limit}: no row has a token of its completion left; give more")
    return Trainer(trl, len(whole), cut, len(whole) - left)


def train(options: argparse.Namespace, rows: pa.Table, folder: Path) -> None:
    """Write a model trained on the rows to a folder.  Raises UserError where the base cannot be loaded, RunError."""
    try:
        import datasets
        import torch
        import trl  # noqa: F401
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise UserError(f"the trainer needs TRL, and there is no {error.name}; pip install -e '.[trl]'") from None
    logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        tokenizer = AutoTokenizer.from_pretrained(options.base)
        model = AutoModelForCausalLM.from_pretrained(options.base)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"--base {options.base!r} cannot be loaded ({said}); give a model's folder or name") from None
    precision = model.dtype
    trainer = prepare(options, rows, model.to(torch.float32), tokenizer, folder)
    if not set(trainer.trl.train_dataset[0]["labels"]) & set(tokenizer.all_special_ids):
        print(f"the chat template of {options.base} ends no turn: the model does not learn to stop", file=sys.stderr)
    if trainer.cut:
        print(
            f"{trainer.cut} of {trainer.rows} rows are longer than --max-length {options.max_length} tokens and were cut"
            f" ({trainer.empty} of them left out, with nothing of the completion left)",
            file=sys.stderr,
        )
    try:
        trainer.trl.train()
    except torch.OutOfMemoryError:
        raise RunError(f"out of memory on the device with --batch-size {options.batch_size}; give less, or --max-length") from None
    model.to(precision).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def run(options: argparse.Namespace) -> None:
    """Train, and put the model at its place when it is whole.  Raises UserError, RunError."""
    output: Path = options.output
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"--output {output} exists and is no empty folder; remove it or name another one")
    rows = pa.concat_tables([read_rows(folder) for folder in (options.data, *options.also)])
    folder = output.with_name(f".{output.name}.partial")  # a name of its own, so that the next try clears what a killed one left
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        train(options, rows, folder)
        folder.rename(output)
    except OSError as error:
        raise RunError(f"--output {output} cannot be written ({error})") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    options = options_of(sys.argv[1:] if arguments is None else arguments)
    try:
        run(options)
    except (UserError, RunError) as error:
        print(f"pipeline.train: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UserError) else 1)


if __name__ == "__main__":
    main()
