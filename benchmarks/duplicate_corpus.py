"""A corpus of template chains with planted duplicates, for `benchmarks/duplicates.py`: any size, the same for the same seed.

A chain restates its problem and has 100 to 400 words: sentences from templates, one word in eight a number, between boilerplate
that all chains share.  There is one problem to 16 documents.  Planted, as shares of the documents:

edited   28 %: clusters of 2 to 6; all but the first are word edits of the first at Jaccard similarities .95 to .5.
copied   1.7 %: pairs that are equal but for case and white space.
family   0.9 %: one shared body with an own end each, mutual similarity .6 to .8, so hardly ever duplicates.  Above 100,000
         documents there are more families and none is larger, so that ten times the documents have ten times the similar pairs.
changed  1 %: pairs that share all words but the numbers of two equations, at .8 and more.  Those are different problems.

Edits touch words alone, so that the numbers of a chain and of its edits are the same.  A word of a chain is a run of [a-z0-9],
and all similarities here are of the sets of five words in a row.
"""

import functools
import hashlib
import json
import math
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from schemas.identity import rng_for

EDITED, COPIED, FAMILY, CHANGED = 0.28, 0.017, 0.009, 0.01  # shares of the documents
TARGETS = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
PROBLEM_SHARE = 1 / 16  # of the documents
CHAIN_WORDS = (100, 360)  # before the sentence that passes it and the end
FAMILY_MOST = 900  # documents of one family
BODY_WORDS = 174  # of the family; with ends of 24 to 50 words two of them have 174 / (174 + 48 … 100)
END_WORDS = (24, 50)
GRAM = 5

NAMES = """ada ben clara dev elif femi grace hugo ines jonas kira liam mona nadia omar priya quinn rosa sami tara umar vera
wen xena yusuf zoe arlo bela cyrus dana emre fiona galen hana igor jade karim lena milo nora""".split()
NOUNS = """apples pencils ribbons marbles tickets books coins stamps candles bottles baskets tiles planks bricks crates
barrels lanterns kites drums flutes boots gloves scarves buttons needles carrots melons peaches loaves muffins sandwiches jars
spoons plates cups tables stools doors windows gates wheels ropes ladders buckets shovels seeds saplings roses tulips pigeons
rabbits ponies tractors wagons boats sails anchors maps globes clocks""".split()
ADJECTIVES = """red blue small large heavy light old new broken shiny wooden plastic round square narrow wide cheap costly
early late empty full clean dusty fresh frozen plain painted striped spotted rare common sturdy fragile local foreign spare
missing borrowed rented sealed open sorted mixed single double weekly daily upper lower inner outer western eastern northern
southern""".split()
PLACES = """market harbor school library station factory garden orchard bakery museum theater stadium village castle island
valley bridge tunnel workshop warehouse kitchen attic cellar office clinic temple farm mill quarry forest meadow beach airport
depot studio gallery arena plaza chapel tower""".split()
VERBS = """count sort pack carry sell buy trade borrow return store label weigh measure divide share collect deliver inspect
repair paint polish arrange stack move lift load unload order choose replace mark group check send bring lend wrap clean fill
move""".split()
ADVERBS = """slowly quickly carefully together separately later earlier twice again gladly quietly rarely often usually evenly
fairly exactly roughly nearly directly safely neatly promptly jointly partly fully mostly simply plainly clearly surely
instead meanwhile afterwards beforehand""".split()
FILLERS = """indeed perhaps maybe somehow anyway rather quite truly really actually certainly obviously apparently evidently
naturally presumably supposedly honestly frankly basically essentially generally typically normally finally eventually
initially originally formerly currently presently recently lately shortly soon already still yet even also too besides
moreover furthermore however therefore thus hence accordingly consequently otherwise likewise similarly conversely
alternatively""".split()
QUESTIONS = (
    "At the {adj} {place} {name} has to {verb} {a} {noun} and {adv} {b} more {adj2} {noun2} for the {place2}.",
    "How many {noun} does {name} {verb} when {a} boxes of {b} {adj} {noun2} reach the {place} {adv}?",
    "In the {place} {name} and {name2} {verb} {a} {adj} {noun} {adv} and then {verb2} {b} {noun2} near the {place2}.",
)
STEPS = (
    "Since {name} can {verb} {a} {adj} {noun} in the {place}, we have {a} * {b} = {c} of them {adv}.",
    "Then {name2} will {adv} {verb} {d} {noun} so that {a} + {b} = {d} {adj} ones remain at the {place}.",
    "Next the {adj} {place} gets {b} {noun} and {name} may {verb} all {adj2} {noun2} {adv} in front of {name2}.",
    "If they {verb} every {noun} {adv}, the {place} holds {c} {adj} {noun2}, which is {a} times {b}.",
    "Wait, {name} did not {verb} the {adj} {noun} from the {place}, so {adv} we {verb2} {a} + {b} = {d} again.",
    "Because {a} {adj} {noun} and {b} {adj2} {noun2} differ, {name} has to {verb} them {adv} behind the {place} with {name2}.",
    "So {d} - {b} = {a} {noun} are {adj} and {name} would {adv} {verb} those for the {place}.",
    "We {adv} {verb} what {name} wrote about {a} {adj} {noun} in the {place} before we {verb2} any {noun2}.",
    "Each {adj} {noun} in the {place} needs {a} {noun2}, hence {b} of them {adv} need {c} in all.",
    "Let {name} {verb} {a} {noun} at the {adj} {place} while {name2} tries to {verb2} {b} {adj2} {noun2} {adv}.",
    "Now {c} / {b} = {a}, and {name} can {adv} {verb} that many {adj} {noun} beside the {place}.",
    "The {a} {noun} of {name} are {adj}, the {b} {noun2} of {name2} are {adj2}, and both {verb} {adv} near the {place}.",
    "After {a} days {name} must {verb} {b} {adj} {noun} more, {adv} counted as {d} for the {place}.",
    "Another way: {verb} {a} {adj} {noun} first, {adv} {verb2} the {c} {noun2} at the {place}, and ask {name} for {b}.",
    "For the {adj} {place} that makes {d} {noun}, as {a} + {b} = {d} when {name} will {verb} {adv}.",
    "Suppose {name2} {adv} decides to {verb} {a} {adj} {noun} and {name} to {verb2} {b} {adj2} {noun2} in the {place}.",
)
OPENING = "Let us think about this step by step and keep track of what is given."
MIDDLE = (
    "Let me check this part once more before I go on with the rest.",
    "That matches what the problem says, so we can use it in the next step.",
    "We should be careful here and not count the same thing two times.",
)
CLOSING = "Putting all of this together, the final answer to the question is {d}."


class Plan(NamedTuple):
    """How a document comes to be."""

    kind: str  # chain, edited, copied, family or changed
    origin: int  # the chain it is made of
    target: float = 1.0  # similarity to it, of an edit


class Corpus(NamedTuple):
    """Which corpus."""

    documents: int
    seed: int = 1


def plans(corpus: Corpus) -> list[Plan]:
    """Return the plan of each document, in random order."""
    dice = rng_for(corpus.seed, "plans", 0)
    found: list[Plan] = []
    origin = 0

    def plant(share: float, kind: str) -> None:
        nonlocal origin
        until = len(found) + round(share * corpus.documents)
        while len(found) < until:
            copies = dice.randint(1, 5) if kind == "edited" else 1
            found.append(Plan("chain", origin))
            found.extend(Plan(kind, origin, dice.choice(TARGETS)) for _ in range(min(copies, until - len(found))))
            origin += 1

    plant(EDITED, "edited")
    plant(COPIED, "copied")
    plant(CHANGED, "changed")
    for _ in range(round(FAMILY * corpus.documents)):
        found.append(Plan("family", origin))
        origin += 1
    while len(found) < corpus.documents:
        found.append(Plan("chain", origin))
        origin += 1
    dice.shuffle(found)
    return found[: corpus.documents]


def texts(corpus: Corpus) -> Iterator[tuple[int, str]]:
    """Yield each document's problem number and text."""
    problems = max(1, round(corpus.documents * PROBLEM_SHARE))
    families = max(1, math.ceil(round(FAMILY * corpus.documents) / FAMILY_MOST))
    for index, plan in enumerate(plans(corpus)):
        problem = plan.origin % problems
        dice = rng_for(corpus.seed, "document", index)
        if plan.kind == "family":
            text = _family(corpus.seed, plan.origin % families, dice)
        else:
            text = _chain(corpus.seed, problem, plan.origin)
            if plan.kind == "edited":
                text = edited(text, plan.target, dice)
            elif plan.kind == "copied":
                text = _copied(text, dice)
            elif plan.kind == "changed":
                text = _changed(text, dice)
        yield problem, text


def _chain(seed: int, problem: int, origin: int) -> str:
    asked = rng_for(seed, "problem", problem)
    dice = rng_for(seed, "chain", origin)
    parts = [OPENING, _sentence(QUESTIONS, asked), _sentence(QUESTIONS, asked)]
    left = dice.randint(*CHAIN_WORDS) - sum(_length(part) for part in parts)
    middle = dice.randrange(2, 9)
    while left > 0:
        part = dice.choice(MIDDLE) if len(parts) == middle else _sentence(STEPS, dice)
        parts.append(part)
        left -= _length(part)
    return " ".join([*parts, _filled(CLOSING, dice)])


def _sentence(templates: tuple[str, ...], dice: random.Random) -> str:
    return _filled(templates[int(dice.random() * len(templates))], dice)


def _filled(template: str, dice: random.Random) -> str:
    def any_of(pool: list[str]) -> str:
        return pool[int(dice.random() * len(pool))]

    a, b = 2 + int(dice.random() * 98), 2 + int(dice.random() * 98)
    return template.format(
        name=any_of(NAMES),
        name2=any_of(NAMES),
        noun=any_of(NOUNS),
        noun2=any_of(NOUNS),
        adj=any_of(ADJECTIVES),
        adj2=any_of(ADJECTIVES),
        place=any_of(PLACES),
        place2=any_of(PLACES),
        verb=any_of(VERBS),
        verb2=any_of(VERBS),
        adv=any_of(ADVERBS),
        a=a,
        b=b,
        c=a * b,
        d=a + b,
    )


def _length(text: str) -> int:
    return sum(map(_is_word, text.split(" ")))


def _is_word(token: str) -> bool:
    return token[0].isalnum()


def edited(text: str, target: float, dice: random.Random) -> str:
    """Return a text with words replaced, put in or left out, so that the similarity to it is near the target.

    k edits far from each other take 5 of the s sets of words each and put in as many: (s - 5k) / (s + 5k) are shared.
    """
    tokens = text.split(" ")
    shingles = _length(text) - GRAM + 1
    edits = max(1, int(shingles * (1 - target) / (GRAM * (1 + target)) + dice.random()))
    places = [place for place, token in enumerate(tokens) if token.rstrip(",.:").isalpha()]
    taken: set[int] = set()
    for place in dice.sample(places, len(places)):
        if len(taken) < edits and not any(near in taken for near in range(place - GRAM, place + GRAM + 1)):
            taken.add(place)
    for place in taken:
        token, filler = tokens[place], dice.choice(FILLERS)
        word = token.rstrip(",.:")
        how = dice.random()
        tokens[place] = filler + token[len(word) :] if how < 0.7 else f"{filler} {token}" if how < 0.85 else ""
    return " ".join(token for token in tokens if token)


def _copied(text: str, dice: random.Random) -> str:
    return dice.choice((text.upper, lambda: text.replace(". ", ".\n\n"), lambda: f"  {text}\n", text.title))()


def _changed(text: str, dice: random.Random) -> str:
    """Return a text with other numbers in its last two equations or, where it has fewer, in its last words."""
    equations = list(re.finditer(r"(\d+) ([-+*/]) (\d+) = (\d+)", text))
    for found in reversed(equations[-2:]):
        a, b = dice.randrange(100, 1000), dice.randrange(100, 1000)
        text = f"{text[: found.start()]}{a} {found[2]} {b} = {a + b}{text[found.end() :]}"
    return re.sub(r"\d+\.$", f"{dice.randrange(1000, 10000)}.", text)


@functools.cache
def _body(seed: int, family: int) -> str:
    return _of_words(BODY_WORDS, OPENING, rng_for(seed, "family", family))


def _family(seed: int, family: int, dice: random.Random) -> str:
    return f"{_body(seed, family)} {_of_words(dice.randint(*END_WORDS), '', dice)}"


def _of_words(words: int, text: str, dice: random.Random) -> str:
    """Return a text of so many words, cut within a sentence."""
    tokens = text.split()
    while sum(map(_is_word, tokens)) < words:
        tokens += _sentence(STEPS, dice).split(" ")
    while sum(map(_is_word, tokens)) > words or not _is_word(tokens[-1]):
        tokens.pop()
    return " ".join(tokens)


def written(corpus: Corpus) -> Path:
    """Return a file of the corpus: lines of JSON with id, group and text.  It is made once and kept in the temporary folder."""
    version = hashlib.blake2b(Path(__file__).read_bytes() + repr(corpus).encode(), digest_size=8).hexdigest()
    path = Path(tempfile.gettempdir()) / f"starbeam-duplicates-{version}" / "corpus.jsonl"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w") as file:
            for index, (problem, text) in enumerate(texts(corpus)):
                file.write(json.dumps({"id": str(index), "group": str(problem), "text": text}) + "\n")
        part.rename(path)
    return path


class Loaded(NamedTuple):
    """A corpus in memory."""

    ids: list[str]
    groups: list[str]
    texts: list[str]


def load(path: Path) -> Loaded:
    """Return a written corpus, read a line at a time, so that little but the texts stays in memory."""
    loaded = Loaded([], [], [])
    with path.open() as file:
        for line in file:
            row = json.loads(line)
            loaded.ids.append(row["id"])
            loaded.groups.append(row["group"])
            loaded.texts.append(row["text"])
    return loaded
