"""Patterns of many texts at once: runs of words and openers of sentences, as 64-bit keys with their places.

A pattern is a run of 1 to 5 words within a sentence, or the first 1 to 5 words of one; in a script without spaces a word is a
character, and 2 to 6 of them are a pattern.  Words are those of `filters/shingles.py`, with apostrophes inside; numbers with
signs between them are one word, and so is a formula.  Sentences end at a line's end and at . ! ? and their Chinese forms.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from filters.shingles import APART, I64, SINGLE, U8, U64, WORD, Bounds, Folded, bounds_of, classes_of, fold, hash_words, runs_of

# Kinds of patterns, which are counted apart: place in the tables of units.
KINDS = (("ngram", "en"), ("ngram", "zh"), ("opener", "en"), ("opener", "zh"))
OPENERS = 2  # from this kind on
SIZES = ((1, 5), (2, 6), (1, 5), (2, 6))  # words, of each kind

KIND_BITS, DOCUMENT_BITS = 2, 12  # the low bits of a key; the 50 above are its hash
MOST_DOCUMENTS = 1 << DOCUMENT_BITS  # of a batch
_HASH = np.uint64((1 << 64) - (1 << (KIND_BITS + DOCUMENT_BITS)))

NUMBER, FORMULA = "\x01", "\x02"  # what they become, each a word
_CONTROLS = re.compile("[\0\x01\x02]")
MAX_FORMULA = 400  # characters; longer ones are unbalanced marks: the 99.9th percentile of 28,000 in 1,000 MATH-500 outputs is less
# Dollars as pandoc reads them (its manual, tex_math_dollars): no space inside the marks, no digit behind, so that prices stay.
FORMULA_PATTERN = (
    rf"\$\$[^$]{{1,{MAX_FORMULA}}}\$\$|\$(?=[^\s$])[^$\n]{{1,{MAX_FORMULA}}}(?<=\S)\$(?!\d)"
    rf"|\\\((?:[^\n\\]|\\(?![()])){{1,{MAX_FORMULA}}}\\\)|\\\[[^\[]{{1,{MAX_FORMULA}}}?\\\]"
)
NUMBER_PATTERN = r"\d(?:(?:[^\w\n.!?。！？…]|\.(?=\d)){0,6}\d){0,20}"  # also several with signs between: 12 + 24 = 36
_FORMULAS = re.compile(FORMULA_PATTERN)
_NUMBERS = re.compile(NUMBER_PATTERN)
_ENDS = re.compile("[。！？…]")
_TAGS = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?[a-z_]{1,40}>")  # what templates put around a thought


class Batch(NamedTuple):
    """The occurrences of patterns in some texts."""

    keys: U64  # hash, kind, document
    first: I64  # word of the batch
    last: I64
    units: I64  # (documents, kinds): what a document has of each kind's words or sentences
    folded: Folded
    bounds: Bounds

    def document(self, place: int) -> int:
        """Return the text in which an occurrence stands."""
        return int(self.keys[place]) & (MOST_DOCUMENTS - 1)

    def words(self, place: int) -> tuple[str, ...]:
        """Return the words of an occurrence."""
        spans = range(int(self.first[place]), int(self.last[place]) + 1)
        text, (starts, ends, _) = self.folded.text, self.bounds
        return tuple(text[starts[one] : ends[one]].decode("utf-8", "replace") for one in spans)


def patterns(texts: Sequence[str]) -> Batch:
    """Return the patterns of up to MOST_DOCUMENTS texts."""
    folded = fold([simplified(text) for text in texts])
    classes = _classes(folded)
    bounds = bounds_of(folded, classes)
    starts = bounds.starts
    leads = folded.data[starts]
    kinds = classes[starts]
    kinds[leads <= 2] = APART  # numbers and formulas are of any language
    sentences = _sentences(folded)[starts]
    opens = np.ones(len(starts), dtype=np.bool_)
    opens[1:] = sentences[1:] != sentences[:-1]
    documents = np.repeat(np.arange(len(texts)), np.diff(bounds.offsets))
    keys, first, last = _runs(hash_words(folded, bounds), kinds, sentences, opens, documents.astype(np.uint64))
    return Batch(keys, first, last, _units(kinds, opens, documents, len(texts)), folded, bounds)


def simplified(text: str) -> str:
    """Return a text with its numbers and formulas as words of their own."""
    text = _CONTROLS.sub(" ", text)
    if "$" in text or "\\" in text:
        text = _FORMULAS.sub(f" {FORMULA} ", text)
    if "<" in text:
        text = _TAGS.sub("\n", text)
    text = _NUMBERS.sub(f" {NUMBER} ", text)
    return text if text.isascii() else _ENDS.sub("\n", text.replace("’", "'"))


def _classes(folded: Folded) -> U8:
    """Return the class of each byte; an apostrophe between letters is of the word."""
    data, classes = folded.data, classes_of(folded).copy()
    marks = np.flatnonzero(data == ord("'"))
    classes[marks[(classes[marks - 1] == WORD) & (classes[marks + 1] == WORD)]] = WORD
    classes[(data == ord(NUMBER)) | (data == ord(FORMULA))] = WORD
    return classes


def _sentences(folded: Folded) -> I64:
    """Return the number of the sentence that each byte is in."""
    data = folded.data
    ends = (data == 0) | (data == ord("\n")) | (data == ord("!")) | (data == ord("?"))
    ends[:-1] |= (data[:-1] == ord(".")) & (data[1:] <= ord(" "))
    return np.cumsum(ends)


def _runs(hashes: U64, kinds: U8, sentences: I64, opens: np.ndarray, documents: U64) -> tuple[U64, I64, I64]:
    latin, single = (np.concatenate([[0], np.cumsum(kinds == kind)]) for kind in (WORD, SINGLE))
    keys, firsts, lasts = [], [], []
    for size in range(1, (SIZES[1] if single[-1] else SIZES[0])[1] + 1):
        count = max(len(hashes) - size + 1, 0)
        inside = sentences[:count] == sentences[size - 1 :]
        letters, characters = (sums[size:] - sums[:count] for sums in (latin, single))
        languages = (inside & (letters > 0) & (characters == 0), inside & (characters > 0) & (letters == 0))
        runs = (runs_of(hashes, size) & _HASH) | documents[:count]
        for kind, (least, most) in enumerate(SIZES):
            if least <= size <= most:
                fits = languages[kind % 2]
                first = np.flatnonzero(fits & opens[:count] if kind >= OPENERS else fits)
                keys.append(runs[first] | np.uint64(kind << DOCUMENT_BITS))
                firsts.append(first)
                lasts.append(first + size - 1)
    return np.concatenate(keys), np.concatenate(firsts), np.concatenate(lasts)


def _units(kinds: U8, opens: np.ndarray, documents: I64, count: int) -> I64:
    """Return the words of each language and the sentences that begin in it, of each document."""
    chosen = (kinds == WORD, kinds == SINGLE, opens & (kinds == WORD), opens & (kinds == SINGLE))
    return np.stack([np.bincount(documents[one], minlength=count) for one in chosen], axis=1)


def without_document(keys: U64) -> U64:
    """Return the keys of patterns, wherever they stand."""
    return keys & ~np.uint64(MOST_DOCUMENTS - 1)


def kind_of(keys: U64) -> I64:
    """Return the place in KINDS of each pattern."""
    return (keys >> np.uint64(DOCUMENT_BITS)).astype(np.int64) & ((1 << KIND_BITS) - 1)


def parts_of(words: Sequence[str], opener: bool) -> list[int]:
    """Return the keys of the parts of a pattern, the longest first; an opener's words anywhere are one."""
    batch = patterns([" ".join(words)])
    sizes = batch.last - batch.first + 1
    inner = np.flatnonzero((kind_of(batch.keys) < OPENERS) & (sizes < len(words) + opener))
    order = inner[np.argsort(-sizes[inner], kind="stable")]
    keys: list[int] = without_document(batch.keys[order]).tolist()
    return keys


def shown(words: Sequence[str]) -> str:
    """Return a pattern as a person reads it."""
    named = [{NUMBER: "<number>", FORMULA: "<formula>"}.get(word, word) for word in words]
    spaced = any(word.isascii() and word not in (NUMBER, FORMULA) for word in words)
    return (" " if spaced or not any(len(word) == 1 and not word.isascii() for word in words) else "").join(named)
