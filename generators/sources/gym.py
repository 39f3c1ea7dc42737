"""Problems of the optional library reasoning-gym, and the checker that asks its scorers, with every guard they need."""

import collections
import copy
import difflib
import functools
import inspect
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from pydantic import Field

from generators.families.answer import committed
from schemas.annotation import Status, Verdict
from schemas.errors import RunError, UserError
from schemas.identity import rng_for
from schemas.problem import Problem
from schemas.recipe import Section

# Found by reading every scorer of 0.1.25, and by drawing 60 entries of each task in two processes.
REFUSED = {
    "bf": "its interpreter writes to standard output while it draws",
    "boxnet": "it has no gold answer to prove its scorer with",
    "codeio": "it runs programs, and draws from the process-wide random state",
    "coin_flip": "its scorer accepts 0 for every small probability, and Fraction('1e999999999') does not return",
    "composite": "it is a mixture; write one [[problems]] table for each task",
    "game_of_life_halting": "its scorer accepts any text",
    "intermediate_integration": "some golds are unevaluated integrals, and its scorer simplifies without a bound",
    "isomorphic_strings": "its draws depend on the order of a set, so they cannot be made again",
    "knight_swap": "its draws depend on the order of a set, so they cannot be made again",
    "list_functions": "its draws depend on the process-wide random state, so they cannot be made again",
    "polynomial_multiplication": "its draws depend on the order of a set, so they cannot be made again",
    "puzzle24": "its scorer accepts numbers that were not given, and rounds",
    "ransom_note": "its draws depend on the order of a set, so they cannot be made again",
    "rush_hour": "it has no gold answer to prove its scorer with",
    "word_ladder": "its draws depend on the order of a set, so they cannot be made again",
}
# Compared here, word for word, and never scored there: the first four hand the answer to eval and give 1.0 to a verbatim
# gold alone; the others give 1.0 to wrong answers too (numbers off by one, a lost sign, words added at the end).
VERBATIM = frozenset(
    {"binary_matrix", "n_queens", "spiral_matrix", "string_insertion"} | {"gsm_symbolic", "letter_jumble", "number_sorting"}
)
EXPRESSIONS = frozenset({"countdown", "simple_integration"})  # scorers that hand the answer to sympy's parse_expr
# Modules that evaluate text, but only their own: read in 0.1.25.
INSPECTED = frozenset({"basic_arithmetic", "bitwise_arithmetic", "gsm_symbolic", "number_sorting", "propositional_logic"})
EVALUATES = re.compile(r"\b(?:eval|exec|parse_expr|sympify|compile)\(")
GOLDS: dict[str, Callable[[dict[str, Any]], str]] = {  # where a task keeps a gold that is not entry["answer"]
    "graph_color": lambda metadata: json.dumps(metadata["possible_answer"]),
    "propositional_logic": lambda metadata: str(metadata["example_answer"]),
    "rubiks_cube": lambda metadata: str(metadata["example_correct_answer"]),
}
# Tasks whose constructor reads word lists or boards for 2 to 480 ms and uses no seed: one object serves all items.
SHARED = frozenset(
    {"arc_agi", "caesar_cipher", "emoji_mystery", "figlet_font", "group_anagrams", "letter_counting", "letter_jumble"}
    | {"n_queens", "sentence_reordering", "spell_backward", "word_sequence_reversal", "word_sorting"}
)
SEED_BITS = collections.defaultdict(lambda: 53, pool_matrix=32)  # 53: exact in every JSON reader; numpy takes 32
DRAWS = 20  # of one item, until its gold passes its own scorer and nonsense does not: 59 of 60 or better in every task


class _Entry(NamedTuple):
    dataset: Any
    question: str
    gold: str
    raw: dict[str, Any]


def _library() -> Any:
    try:
        from reasoning_gym import factory
    except ImportError:
        raise UserError('source "gym" needs reasoning-gym, which is not installed: pip install "starbeam[gym]"') from None
    return factory


@functools.lru_cache
def _classes(task: str) -> tuple[Any, Any]:
    """Return the dataset and config class of an offered task."""
    known = _library().DATASETS
    if task in REFUSED:
        raise UserError(f'gym task "{task}" is refused: {REFUSED[task]}; choose another task')
    if task not in known:
        near = difflib.get_close_matches(task, sorted(set(known) - set(REFUSED)), n=1)
        hint = f'did you mean "{near[0]}"?' if near else "the library's gallery lists them"
        raise UserError(f'gym task "{task}" is unknown; {hint}')
    dataset, config = known[task]
    if task not in VERBATIM | EXPRESSIONS | INSPECTED and EVALUATES.search(_source(dataset)):
        raise UserError(f'gym task "{task}" is refused: its module evaluates text and was not inspected; choose another')
    return dataset, config


def _source(dataset: Any) -> str:
    module = inspect.getmodule(dataset)
    return re.sub(r"\bre\.compile\(", "", inspect.getsource(module)) if module else "eval("


def offered() -> list[str]:
    """Return the names of the tasks that may be drawn, sorted."""
    return sorted(task for task in _library().DATASETS if task not in REFUSED)


def _built(task: str, config: str, seed: int) -> Any:
    """Return the library's dataset.  Raises UserError on a config that it does not accept."""
    dataset, settings = _classes(task)
    table = json.loads(config)
    if reserved := sorted({"seed", "size"} & set(table)):
        raise UserError(f'gym task "{task}": config.{reserved[0]} is set by starbeam; remove it')
    try:
        return dataset(settings(seed=seed, size=1, **table))
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        detail = str(error).split("\n", 1)[0]
        fields = ", ".join(sorted(set(inspect.signature(settings).parameters) - {"seed", "size"}))
        raise UserError(f'gym task "{task}": config {config} is not accepted ({detail}); its keys are: {fields}') from None


@functools.lru_cache(maxsize=8)
def _shared(task: str, config: str) -> Any:
    return _built(task, config, 0)


def _dataset(task: str, config: str, seed: int) -> Any:
    if task not in SHARED:
        return _built(task, config, seed)
    dataset = copy.copy(_shared(task, config))  # a copy: threads share the original
    dataset.config = copy.copy(dataset.config)
    dataset.seed = dataset.config.seed = seed
    return dataset


@functools.lru_cache(maxsize=256)
def _entry(task: str, config: str, seed: int) -> _Entry:
    """Return the entry of an item seed, the same in every process."""
    dataset = _dataset(task, config, seed)
    try:
        raw = dataset[0]
    except Exception as error:  # a hundred tasks of a library: whatever escapes here is theirs, and must say where
        raise RunError(f'gym task "{task}" failed to draw seed {seed} with config {config}: {error!r}') from error
    gold = GOLDS[task](raw["metadata"]) if task in GOLDS else raw["answer"]
    return _Entry(dataset, str(raw["question"]), str(gold), raw)


class Gym(Section):
    """`[problems] source = "gym"`: one task of reasoning-gym.

    The library draws item i from seed + i, so that seeds 42 and 43 give the same problems; here each item is item 0
    under a seed of its own, hashed.
    """

    source: Literal["gym"] = "gym"
    task: str = Field(description='the library\'s name of a task, such as "chain_sum"')
    count: int = Field(1000, ge=1, description="draws")
    config: dict[str, Any] = Field(default={}, description="the task's own knobs")

    def problems(self, seed: int, limit: int | None) -> Iterator[Problem]:
        """Return the draws 0 to `count` - 1, or the first `limit` of them.  Raises UserError at once on a bad table."""
        try:
            config = json.dumps(self.config, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UserError(f'gym task "{self.task}": config must hold plain values only ({error})') from None
        _built(self.task, config, 0)
        draws = range(self.count if limit is None else min(self.count, limit))
        return (self._draw(config, rng_for(seed, f"problems/gym/{self.task}", index)) for index in draws)

    def _draw(self, config: str, rng: random.Random) -> Problem:
        for _ in range(DRAWS):
            item_seed = rng.getrandbits(SEED_BITS[self.task])
            entry = _entry(self.task, config, item_seed)
            if _proven(self.task, entry):
                break
        else:
            raise UserError(
                f'gym task "{self.task}": none of {DRAWS} draws has a gold that its own scorer tells from nonsense; '
                f"change config {config}"
            )
        return Problem.of(
            question=entry.question,
            answer=entry.gold,
            checker="gym",
            source="gym",
            subject=str(entry.dataset.category),
            language="en",
            metadata=json.dumps(
                {"config": json.loads(config), "item_seed": item_seed, "task": self.task},
                sort_keys=True,
                separators=(",", ":"),
            ),
        )


def _proven(task: str, entry: _Entry) -> bool:
    """Return whether the scorer accepts the gold and refuses nonsense, so that its word means something."""
    if not entry.gold.strip():
        return False
    return _judged(task, entry, entry.gold.strip())[0] == "correct" and _judged(task, entry, "?")[0] != "correct"


class GymChecker:
    """Asks the scorer of the task that a problem was drawn from; only a full score of 1.0 is correct."""

    name = "gym_v1"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict.  Never raises on any text; UserError on a refused task or without the library."""
        try:
            item = json.loads(problem.metadata)
            task, seed = str(item["task"]), int(item["item_seed"])
            config = json.dumps(item["config"], sort_keys=True, separators=(",", ":"))
        except (ValueError, KeyError, TypeError):
            return Verdict("error", None, self.name, "gold_unreadable")
        entry = _entry(task, config, seed)
        if entry.question != problem.question:
            return Verdict("error", None, self.name, "not_reproduced")
        text = committed(response, several_lines="\n" in entry.gold)
        if text.endswith(".") and not entry.gold.endswith("."):
            text = text[:-1].rstrip()
        if not text:
            return Verdict("incorrect", None, self.name, "no_answer")
        status, reason = _judged(task, entry, text)
        return Verdict(status, text[: _longest(task, entry.gold)], self.name, reason)


def _longest(task: str, gold: str) -> int:
    """Return how many characters of an answer a scorer may see: scorers are linear or worse in them."""
    return 2 * len(gold) + 128 if task in EXPRESSIONS else 4 * len(gold) + 1024


def _judged(task: str, entry: _Entry, text: str) -> tuple[Status, str]:
    """Return status and reason of an answer.  No scorer sees a text that could do more than be wrong."""
    if len(text) > _longest(task, entry.gold):
        return "unsure", "too_long"
    if task in VERBATIM:
        golds = {entry.gold.strip(), *(map(str, entry.raw["metadata"].get("valid_answers", ())))}
        return ("correct", "equal") if text in golds else ("incorrect", "different")
    if NOT_A_NUMBER.search(text) and not NOT_A_NUMBER.search(entry.gold):
        return "incorrect", "not_a_number"  # min(1.0, nan) is 1.0 in complex_arithmetic; [NaN] passes as sorted
    if not _safe(task, entry, text):
        return "unsure", "unsafe_answer"
    try:
        score = float(entry.dataset.score_answer(text, copy.deepcopy(entry.raw)))
    except Exception:  # a scorer meets a text that nobody foresaw: the record's trouble, not ours
        return "error", "scorer_failed"
    return ("correct", "equal") if score == 1.0 else ("incorrect", "different")


NOT_A_NUMBER = re.compile(r"(?<![a-z])[+-]?(?:nan|inf|infinity)(?![a-z])", re.IGNORECASE)
HUGE = re.compile(r"[0-9]\.?e[+-]?[0-9_]{4,}", re.IGNORECASE)  # 1e9999: Fraction and float-to-int grow with it
REPEATS = re.compile(r"[0-9]{2,}")  # R999999999 is a billion turns to rubiks_cube
TOKENS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?|[A-Za-z]+|\*\*|[-+*/()]|\s+")
MAX_EXPONENT = 60  # golds reach 11 in the default config
MAX_NESTING = 20  # parentheses; the golds have at most 5
MAX_GROUPS = 2  # that hold a name: a product of 150 of them kept `simplify` busy for 215 s


def _safe(task: str, entry: _Entry, text: str) -> bool:
    if HUGE.search(text) or (task == "rubiks_cube" and REPEATS.search(text)):
        return False
    if task not in EXPRESSIONS:
        return True
    variable = str(entry.raw["metadata"].get("variable", ""))
    return is_plain_expression(text, frozenset({variable, "C"}) if task == "simple_integration" else frozenset())


def is_plain_expression(text: str, names: frozenset[str]) -> bool:
    """Return whether a text is a small sum of products that parse_expr may see.

    Numbers, the given names, + - * / and parentheses.  With names a polynomial: only a name has an exponent, up to
    MAX_EXPONENT, only a number divides (12 summed fractions 1/(x**n + k) took `simplify` 17 s), and groups are few.
    """
    tokens = TOKENS.findall(text)
    if "".join(tokens) != text:
        return False
    tokens = [token for token in tokens if not token.isspace()]
    groups, named = [], 0  # for each open parenthesis, whether a name is inside; and how many had one
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        operand = token[0].isalnum()
        if token == "(":
            groups.append(False)
        elif token == ")" and groups:
            named += groups.pop()
        elif token in names:
            groups = [True] * len(groups)
        elif token == ")" or token[0].isalpha():
            return False
        if len(groups) > MAX_NESTING or named > MAX_GROUPS:
            return False
        if (operand or token == "(") and (before == ")" or before[:1].isalnum()):
            return False  # 2(3), x(3), 2 x
        if token == "**" and (before not in names or not after.isdecimal() or int(after) > MAX_EXPONENT):
            return False
        if token == "/" and (after == "/" or (names and not after[:1].isdecimal())):
            return False
    return not groups
