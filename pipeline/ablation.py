"""Chains without some of their reflections, or with these moved: what training on them is compared with.

What a sentence corrected, and what builds on it, stays as it is.
"""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from filters.candidates import lowered
from filters.extraction import Extraction, candidates, extract_answer
from filters.readings import is_prose
from filters.sentences import Span
from pipeline.cutting import PREFIX, Parted, Places, free, parted, placed, said
from schemas.recipe import Ablation
from schemas.sample import THOUGHT_MARKS

Ablated = tuple[str, str, int]  # thought, response, number of sentences cut or moved


def stripped(reasoning: str, response: str, spans: Sequence[Span]) -> Ablated:
    """Return a chain without the sentences that spans touch, which are places in the chain's text.

    A sentence of the response that states its answer stays.  The response stays whole where the rest of it would commit to
    another answer or say nothing, and so does the thought where nothing would be left of the chain.
    """
    of_thought, of_response = _apart(reasoning, response, spans)
    thought, answer = parted(reasoning, of_thought), _parted_response(response, of_response)
    if not thought.left and not answer.left:
        thought = Parted(reasoning, [])
    return thought.left, answer.left, len(thought.cut) + len(answer.cut)


def moved(reasoning: str, response: str, spans: Sequence[Span]) -> Ablated:
    """Return a chain with the sentences that `stripped` cuts in another place, in their order, each on a line of its own.

    Those of the thought are its last paragraph; those of the response come before the words that lead to its answer.
    """
    of_thought, of_response = _apart(reasoning, response, spans)
    thought, in_thought = _moved(reasoning, parted(reasoning, of_thought), None)
    parts = _parted_response(response, of_response)
    answer, in_answer = _moved(response, parts, _answer_place(parts.left) if parts.cut else None)
    if not _commits_alike(response, answer):
        answer, in_answer = response, 0
    return thought, answer, in_thought + in_answer


def ablated(table: pa.Table, ablation: Ablation, how: Callable[[str, str, Sequence[Span]], Ablated]) -> Iterator[Ablated]:
    """Yield each row's chain as `stripped` or `moved` makes it."""
    columns = (table[name].to_pylist() for name in ("reasoning", "response", "reflections"))
    for reasoning, response, reflections in zip(*columns, strict=True):
        yield how(reasoning, response, [Span(one["start"], one["end"]) for one in reflections if one["label"] in ablation.labels])


def _apart(reasoning: str, response: str, spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Return the spans of a chain that are in its thought, and those in its response by their places there."""
    begin = len(reasoning) + 2 if reasoning and response else len(reasoning)
    thought = [one for one in spans if one.start < len(reasoning)]
    return thought, [Span(one.start - begin, one.end - begin) for one in spans if one.end > begin]


def _moved(text: str, parts: Parted, place: int | None) -> tuple[str, int]:
    """Return a text with what was cut of it at a place of the rest, None for its end, and the number of sentences moved.

    A text whose sentences are in that order already stays as it is.
    """
    block = "\n".join(parts.cut)
    if place is None:
        found = f"{parts.left.rstrip()}\n\n{block}"
    else:
        before, after = parts.left[:place], parts.left[place:]
        line = before.rpartition("\n")[2]
        if PREFIX.fullmatch(line):
            found = f"{before.removesuffix(line)}{block}\n{line}{after}"
        else:
            found = f"{before.rstrip()}\n{block}\n{after}"
    was, is_now = said(text), said(found)
    is_other = parts.cut and is_now != was and sorted(is_now) == sorted(was)
    return (found, len(parts.cut)) if is_other else (text, 0)


def _parted_response(response: str, spans: Sequence[Span]) -> Parted:
    """Return a response without the sentences that spans touch and that state no answer."""
    if not spans:
        return Parted(response, [])
    wanted, answers = Places(spans), Places(Span(one.start, one.end) for one in candidates(response, lowered(response)))
    parts = parted(response, [one for one in placed(response) if wanted.touch(one) and not answers.touch(one)])
    return parts if _commits_alike(response, parts.left) else Parted(response, [])


def _commits_alike(response: str, left: str) -> bool:
    """Say whether what is left of a response says something, and commits to what all of it does."""
    if left == response:
        return True
    if not left.strip() or any(mark in response for marks in THOUGHT_MARKS for mark in marks):
        return False
    was, is_now = _committed(response), _committed(left)
    return was.reason != "uncommitted" and (was.text, was.reason) == (is_now.text, is_now.reason)


def _committed(response: str) -> Extraction[str]:
    return extract_answer(response, lambda text: None if is_prose(text) else text.strip() or None)


def _answer_place(response: str) -> int | None:
    """Return where the words that lead to the answer start, the last one of several; None without an answer."""
    if _committed(response).text is None:
        return None
    found = candidates(response, lowered(response))
    before = [one for one in free(response) if not found or one.start <= found[-1].start]
    while len(before) > 1 and response[before[-2].end - 1] in ":：":
        before.pop()
    return before[-1].start if before else None
