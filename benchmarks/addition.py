"""n-digit addition with scratchpads, and a transformer that learns it on a CPU: what `benchmarks/star_addition.py` runs on.

A chain works from the right, one line a digit: the equation of the two digits and the carry, what is left of the numbers, the
digits of the sum so far and a `c` where one is carried, as in the scratchpads of STaR (arXiv 2203.14465, section 4.2).

    47+85  →  7+5=12;4+8,2c
              4+8+1=13;+,32c
              The answer is 132.

The first examples thin out with the number of digits: the base model knows short sums and has hardly seen long ones.  Each is
there twice, plain and with its answer as a hint, as the paper's exemplars are; a model that never saw a hint cannot use one.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.identity import rng_for

DIGITS = (1, 2, 3, 4, 5)
EXAMPLES = {1: 50, 2: 100, 3: 50, 4: 25, 5: 12}  # worked for the base model
TRAINING = {1: 15, 2: 300, 3: 300, 4: 300, 5: 300}  # problems of the loop; of one digit there are 100 in all
HELD_OUT = {1: 30, 2: 50, 3: 50, 4: 50, 5: 50}

# Found by trying, with one seed.  A chain without the equations (only what is left and the sum so far) never learned to add one
# digit from a few hundred examples.  A base that has seen no sum of n + 1 digits gets none right, and no hint helps it.  With
# twice these examples hints add less.  A learning rate of 5e-3 is worse than 3e-3, and batches of rows of like length, which take
# half the time, leave long sums behind.
LEARNING_RATE = 3e-3
BATCH_SIZE = 32
WARMUP = 20  # steps
BASE_STEPS = 500
STEPS = 500  # of the first round
GROWTH = 1.1  # of the steps from round to round; STaR's 1.2 would make the rounds longer
ROUNDS = 4

ANSWER = "The answer is "  # one token
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>")
CHARACTERS = "0123456789+=,;.()c \n"
LENGTH = 160  # tokens of the context: 36 of a hinted prompt and 106 of a chain at five digits
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


class Sum(NamedTuple):
    """A problem: two numbers of equally many digits."""

    a: int
    b: int

    @property
    def question(self) -> str:
        """Return what is asked."""
        return f"{self.a}+{self.b}"

    @property
    def hinted(self) -> str:
        """Return what is asked where the answer is told, as the prompts of `star` tell it."""
        return f"{self.question}\n\n({ANSWER}{self.a + self.b}.)"

    @property
    def digits(self) -> int:
        """Return how many digits the numbers have."""
        return len(str(self.a))


class Problems(NamedTuple):
    """The problems of one seed; no two of the three share one."""

    examples: list[Sum]
    training: list[Sum]
    held_out: list[Sum]


def worked(a: int, b: int) -> str:
    """Return the chain of a sum."""
    left, right, done, carry, lines = str(a), str(b), "", 0, []
    while left:
        x, y, carried = int(left[-1]), int(right[-1]), "+1" if carry else ""
        total = x + y + carry
        left, right, done, carry = left[:-1], right[:-1], f"{total % 10}{done}", total // 10
        lines.append(f"{x}+{y}{carried}={total};{left}+{right},{done}{'c' if carry else ''}")
    return "\n".join([*lines, f"{ANSWER}{a + b}."])


def draw(seed: int) -> Problems:
    """Return the problems of a seed."""
    sets: Problems = Problems([], [], [])
    for digits in DIGITS:
        fresh = _fresh(seed, digits)
        for counts, chosen in zip((EXAMPLES, TRAINING, HELD_OUT), sets, strict=True):
            chosen.extend(next(fresh) for _ in range(counts[digits]))
    return sets


def _fresh(seed: int, digits: int) -> Iterator[Sum]:
    rng, seen = rng_for(seed, "addition", digits), set()
    low, high = 10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1
    while len(seen) < (high - low + 1) ** 2:
        one = Sum(rng.randint(low, high), rng.randint(low, high))
        if one not in seen:
            seen.add(one)
            yield one


def subject_of(digits: int) -> str:
    """Return what problems of so many digits are called."""
    return f"{digits} digit{'s' * (digits > 1)}"


def write_problems(path: Path, sums: Iterable[Sum]) -> None:
    """Write problems as JSON lines with `question`, `answer` and, as `subject`, how many digits the numbers have."""
    rows = ({"question": one.question, "answer": str(one.a + one.b), "subject": subject_of(one.digits)} for one in sums)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_rows(folder: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write (prompt, completion) pairs as the trainer's Parquet."""
    pairs = [([{"role": "user", "content": prompt}], [{"role": "assistant", "content": text}]) for prompt, text in rows]
    columns = [pa.array(column, MESSAGES) for column in zip(*pairs, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_arrays(columns, names=["prompt", "completion"]), folder / "train-00000-of-00001.parquet")


def example_rows(sums: Iterable[Sum]) -> list[tuple[str, str]]:
    """Return each sum with its chain, plain and hinted."""
    return [(prompt, worked(*one)) for one in sums for prompt in (one.question, one.hinted)]


def direct_rows(sums: Iterable[Sum]) -> list[tuple[str, str]]:
    """Return each sum with its answer alone."""
    return [(one.question, f"{ANSWER}{one.a + one.b}.") for one in sums]


def save_model(folder: Path, seed: int) -> None:
    """Write a Llama of random weights (86 thousand) and its tokenizer, a token a character."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = [*SPECIAL, *CHARACTERS, ANSWER]
    tokens = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.Split(Regex(rf"{ANSWER}|[\s\S]"), "isolated")
    tokens.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=LENGTH,
        pad_token_id=words.index("<pad>"),
        bos_token_id=words.index("<s>"),
        eos_token_id=words.index("</s>"),
    )
    LlamaForCausalLM(config).float().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
