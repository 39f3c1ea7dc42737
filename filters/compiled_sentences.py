"""The compiled kernel of the tagger: from an English text to its sentences and to what patterns may match where.

It says what filters/sentences.py and filters/sentence_rules.py say, of texts without Chinese characters.  Needs numba (extra
`fast`).
"""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

# All numbers that the kernel depends on stand in this file or come as arguments: what is compiled is kept until this file changes.
SPACE, WORD, END, HARD_END, CLOSES, CUT, DIGIT, ASK, TELLS, START, OPENER, FILLER = range(KINDS := 12)  # rows of `kinds`
# Places in `limits`.
MOST_START, MOST_FILLER, MOST_CONNECTIVES, PREFIX, WHOLE, LEAST_UNIT, MOST_UNIT, MOST_CHARS = range(8)
ASKS, PARTS, VALUES, UNIT, ANYWHERE, GUARD = range(8, LIMITS := 14)
IS_DIGIT, IS_COMMA, IS_FORMULA, IS_MARK, IS_VERB = 1, 2, 4, 8, 16  # kinds of TELLS; what a verb begins with
LETTERS = 4  # of a long word, by which it is looked up
BUCKET_BITS = 12  # the 2,142 long words of the English patterns fill a quarter of the buckets
FILTER_BITS = 15  # one bit each, of which they set 3.4 %: most letters begin no word
MULTIPLIER = 0x9E3779B97F4A7C15  # Fibonacci hashing (Knuth, TAOCP 3, 6.4): 2^64 over the golden ratio
_HIDDEN, _NEWLINE, _SPACE, _APOSTROPHE, _COMMA, _DOT, _BACKSLASH, _A, _I, _Z = (ord(one) for one in "\0\n ',.\\aiz")
_LETTERS = np.uint64((1 << 8 * LETTERS) - 1)


class Tables(NamedTuple):
    """Arrays for the kernel, which takes them as a plain tuple: what is kept of it must not name a class that may move."""

    kinds: U8  # rows of kinds, by the code of a character
    marks: I32  # by the code of a character: number of a word, 0 for none
    short_words: I32  # by up to MAX_WHOLE letters: number of a word, 0 for none
    buckets: I32  # by a hash of four letters: first of `long_words`, 0 for none
    sieve: U8  # by a longer hash of four letters: a bit
    long_words: I32  # rows: next one, number of the word, first letter, end
    letters: U8  # of long words
    firsts: I32  # by the number of a word: the first of its bits in the next two
    spots: I32
    masks: U64
    spared: U64  # bits of patterns without words for a slot
    head_buckets: I32  # by a hash of a prefix: first of `heads`, 0 for none
    heads: I32  # rows: next one, row of `begins`
    head_keys: U64
    begins: U64  # rows of bits
    scopes: U64  # three rows of bits: patterns of rules that match where clauses open, and anywhere, and those of guards
    limits: I32  # whole numbers that are set elsewhere
    abbreviations: U8  # rows, behind each its length
    openings: U8
    connectives: U8  # by their first letter, what is tried first before
    by_letter: I32  # the first of each letter
    verbs: U8


@numba.njit(cache=True, nogil=True)
def _stands(text, at, end, rows, row):
    """Return the end of a row's literal at a place, 0 where it does not stand there."""
    size = rows[row, -1]
    if at + size > end:
        return 0
    for place in range(size):
        if text[at + place] != rows[row, place]:
            return 0
    return at + size


@numba.njit(cache=True, nogil=True)
def _abbreviates(text, at, kinds, abbreviations):
    """Say whether the full stop at a place stands behind an abbreviation or the number of a list's item."""
    for row in range(len(abbreviations)):
        first = at - abbreviations[row, -1]
        if first >= 0 and _stands(text, first, at, abbreviations, row) and (first == 0 or not kinds[WORD, text[first - 1]]):
            return True
    for digits in range(1, 3):
        if at < digits or not kinds[DIGIT, text[at - digits]]:
            break
        if at == digits or text[at - digits - 1] == _NEWLINE:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def split(text, starts, ends, kinds, abbreviations, most):
    """Fill in where sentences start and end; return how many there are."""
    size, count, at = len(text), 0, 0
    while at < size:
        if kinds[SPACE, text[at]]:
            at += 1
            continue
        start = at
        at += 1
        while at < size:
            character = text[at]
            if character == _NEWLINE or kinds[HARD_END, character]:
                break
            if not kinds[END, character] or (character == _DOT and _abbreviates(text, at, kinds, abbreviations)):
                at += 1
                continue
            behind = at + 1
            while behind < size and kinds[END, text[behind]]:
                behind += 1
            while behind < size and kinds[CLOSES, text[behind]]:
                behind += 1
            if behind == size or kinds[SPACE, text[behind]]:
                break
            at += 1
        last = at
        while at < size and (kinds[END, text[at]] or kinds[HARD_END, text[at]]):
            at += 1
        while last < at < size and kinds[CLOSES, text[at]]:
            at += 1
        end = at
        while kinds[SPACE, text[end - 1]]:
            end -= 1
        while end - start > most:
            cut = start + most
            while cut > start + most // 2 and not (kinds[SPACE, text[cut - 1]] or kinds[CUT, text[cut - 1]]):
                cut -= 1
            count = _add(text, start, cut, starts, ends, count, kinds)
            start = cut
        count = _add(text, start, end, starts, ends, count, kinds)
    return count


@numba.njit(cache=True, nogil=True)
def _add(text, start, end, starts, ends, count, kinds):
    while start < end and kinds[SPACE, text[start]]:
        start += 1
    while end > start and kinds[SPACE, text[end - 1]]:
        end -= 1
    if start < end:
        starts[count] = start
        ends[count] = end
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _bucket(key):
    return (np.uint64(key) * np.uint64(MULTIPLIER)) >> np.uint64(64 - BUCKET_BITS)


@numba.njit(cache=True, nogil=True)
def _begins_clause(text, at, end):
    """Say whether words begin at a place: two letters, or "a" or "i" by itself."""
    if at + 1 >= end:
        return False
    one, two = text[at], text[at + 1]
    return _A <= one <= _Z and (_A <= two <= _Z or (one in (_A, _I) and two in (_SPACE, _APOSTROPHE)))


@numba.njit(cache=True, nogil=True)
def _opens(text, start, end, kinds, limits, openings, connectives, by_letter, places):
    """Fill in where clauses open in a sentence and go on behind connectives, in order; return how many places there are."""
    at = start
    while at < end and at - start < limits[MOST_START] and kinds[START, text[at]]:
        at += 1
    places[0] = at
    count = 1
    at = start
    while at < end:
        behind = 0
        if kinds[OPENER, text[at]]:
            behind = at + 1
        elif text[at] == _SPACE:
            for row in range(len(openings)):
                if at + 1 < end and openings[row, 1] == text[at + 1]:
                    behind = _stands(text, at, end, openings, row)
                    if behind:
                        break
        if behind:
            last = behind
            while last < end and last - behind < limits[MOST_FILLER] and kinds[FILLER, text[last]]:
                last += 1
            while last >= behind and not _begins_clause(text, last, end):
                last -= 1
            if last >= behind:
                places[count] = last
                count += 1
                at = last
                continue
        at += 1
    for number in range(count):
        at = places[number]
        for _ in range(limits[MOST_CONNECTIVES]):
            further = 0
            for row in range(by_letter[text[at]], by_letter[text[at] + 1]) if at < end else range(0):
                further = _stands(text, at, end, connectives, row)
                if further:
                    break
            if not further:
                break
            at = further
            places[count] = at
            count += 1
    kept = 1  # sorted, each once
    for number in range(1, count):
        at, slot = places[number], kept
        while slot and places[slot - 1] > at:
            slot -= 1
        if slot and places[slot - 1] == at:
            continue
        for later in range(kept, slot, -1):
            places[later] = places[later - 1]
        places[slot] = at
        kept += 1
    return kept


@numba.njit(inline="always")
def _add_bits(word, firsts, spots, masks, found):
    """Add the bits of a word, by its number; word 0 has none."""
    for place in range(firsts[word], firsts[word + 1]):
        found[spots[place]] |= masks[place]


@numba.njit(cache=True, nogil=True)
def _find_words(text, start, end, whole, short_words, long_words, letters, buckets, sieve, firsts, spots, masks, found):
    """Add the bits of a sentence's words."""
    size, key, short = 0, np.uint64(0), 0  # of the word so far: letters, the last ones, and all where they are few
    for at in range(start, end + 1):
        if at < end and _A <= text[at] <= _Z:
            size += 1
            key = (key << np.uint64(8)) | np.uint64(text[at])
            short = short * 27 + text[at] - 96 if size <= whole else 0
            if size < LETTERS:
                continue
            hashed = ((key & _LETTERS) * np.uint64(MULTIPLIER)) >> np.uint64(64 - FILTER_BITS)
            if not (sieve[hashed >> np.uint64(3)] >> (hashed & np.uint64(7))) & np.uint64(1):
                continue
            first = at + 1 - LETTERS
            long = buckets[hashed >> np.uint64(FILTER_BITS - BUCKET_BITS)]
            while long:
                letter, last = long_words[long, 2], long_words[long, 3]
                same = first + last - letter <= end
                for step in range(last - letter) if same else range(0):
                    if text[first + step] != letters[letter + step]:
                        same = False
                        break
                if same:
                    _add_bits(long_words[long, 1], firsts, spots, masks, found)
                long = long_words[long, 0]
        elif size:
            if 2 <= size <= whole:
                _add_bits(short_words[short], firsts, spots, masks, found)
            size, short = 0, 0


@numba.njit(cache=True, nogil=True)
def _lowest(bits):
    """Return the place of the lowest bit that is set."""
    place = 0
    for step in (32, 16, 8, 4, 2, 1):
        if not bits & ((np.uint64(1) << np.uint64(step)) - np.uint64(1)):
            bits >>= np.uint64(step)
            place += step
    return place


@numba.njit(cache=True, nogil=True)
def _emit(numbers, place, first, found, count):
    """Add place and number of each bit; return how many there are now, over the room where it is too small."""
    for word in range(len(numbers)):
        bits = numbers[word]
        while bits:
            if count < found.shape[1]:
                found[0, count] = place
                found[1, count] = word * 64 + _lowest(bits) - first
            count += 1
            bits &= bits - np.uint64(1)
    return count


@numba.njit(cache=True, nogil=True)
def _tells(text, start, end, kinds, limits, verbs, marks, firsts, spots, masks, found):
    """Return what of a sentence a signal may look at: ASKS, PARTS, VALUES and UNIT, added; add the bits of its marks."""
    seen = 0
    for place in range(start, end):  # no branch: what comes next cannot be foreseen
        seen |= kinds[TELLS, text[place]]
    told = limits[ASKS] if kinds[ASK, text[end - 1]] else 0
    if seen & IS_MARK:
        for place in range(start, end):
            _add_bits(marks[text[place]], firsts, spots, masks, found)
    if seen & IS_COMMA and not _has_verb(text, start, end, kinds, verbs):
        told |= limits[PARTS]
    if seen & IS_DIGIT:
        told |= 0 if seen & IS_FORMULA else limits[VALUES]
        behind = 0
        while not kinds[DIGIT, text[end - 1 - behind]]:
            behind += 1
        told |= limits[UNIT] if limits[LEAST_UNIT] <= behind <= limits[MOST_UNIT] else 0
    return told


@numba.njit(cache=True, nogil=True)
def _has_verb(text, start, end, kinds, verbs):
    for place in range(start, end):
        if kinds[TELLS, text[place]] & IS_VERB:
            for row in range(len(verbs)):
                if verbs[row, 0] == text[place] and _stands(text, place, end, verbs, row):
                    return True
    return False


@numba.njit(cache=True, nogil=True)
def _add_heads(text, at, end, size, buckets, heads, keys, begins, found):
    """Add the bits of what patterns begin with that stands at a place."""
    key = np.uint64(1)  # so that its length is part of it
    for step in range(min(size, end - at)):
        key = (key << np.uint64(8)) | np.uint64(text[at + step])
        head = buckets[_bucket(key)]
        while head:
            if keys[head] == key:
                for one in range(len(found)):
                    found[one] |= begins[heads[head, 1], one]
                break
            head = heads[head, 0]


@numba.njit(cache=True, nogil=True)
def candidates(text, starts, ends, tables, rules, found, looks, counts):
    """Fill in what patterns may match where, and of each sentence how many do and what is worth a look; return how many in all."""
    # Each by itself: reading from the tuple within the loop takes longer than what is done there.
    kinds, marks, short_words, buckets, sieve, long_words, letters, firsts, spots, masks, spared = tables[:11]
    head_buckets, heads, head_keys, begins, scopes, limits, _, openings, connectives, by_letter, verbs = tables[11:]
    width = scopes.shape[1]
    bits = np.empty(4 * width, dtype=np.uint64)
    numbers = np.empty(width, dtype=np.uint64)
    some = np.empty(width, dtype=np.uint64)
    places = np.empty((limits[MOST_CONNECTIVES] + 1) * (limits[MOST_CHARS] + 2), dtype=np.int32)
    count = 0
    for sentence in range(len(starts)):
        start, end = starts[sentence], ends[sentence]
        bits[:] = spared
        looks[sentence] = _tells(text, start, end, kinds, limits, verbs, marks, firsts, spots, masks, bits)
        _find_words(text, start, end, limits[WHOLE], short_words, long_words, letters, buckets, sieve, firsts, spots, masks, bits)
        opening, anywhere = False, False
        for one in range(width):
            numbers[one] = bits[one] & bits[width + one] & bits[2 * width + one] & bits[3 * width + one]
            opening |= (numbers[one] & scopes[0, one]) != 0
            anywhere |= (numbers[one] & scopes[1, one]) != 0
        before = count
        counts[sentence] = 0
        if not (opening or anywhere):
            continue
        if anywhere:
            for one in range(width):
                some[one] = numbers[one] & scopes[1, one]
            count = _emit(some, limits[ANYWHERE], 0, found, count)
        if opening:
            for number in range(_opens(text, start, end, kinds, limits, openings, connectives, by_letter, places)):
                at = places[number]
                some[:] = begins[0]
                _add_heads(text, at, end, limits[PREFIX], head_buckets, heads, head_keys, begins, some)
                for one in range(width):
                    some[one] &= numbers[one] & scopes[0, one]
                count = _emit(some, at - start, 0, found, count)
        if count > before:
            some[:] = numbers & scopes[2]
            count = _emit(some, limits[GUARD], rules, found, count)
        counts[sentence] = count - before
    return count
