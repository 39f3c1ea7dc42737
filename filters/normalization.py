"""Unicode forms: the compatibility form in which every checker reads, and any form in linear time."""

import functools
import re
import unicodedata
from typing import Literal

import numpy as np
import numpy.typing as npt

# Super- and subscripts, vulgar fractions, circled and Roman numerals: NFKC would turn 4² into 42 and 1½ into 11/2.
_KEPT = "ª²³¹º¼-¾\u1d2c-\u1d6a\u1d78\u1d9b-\u1dbf⁰-₟⅐-\u218b①-⒛⓪-⓿❶-➓㉐-㉟㉈-㉏㊱-㊿㋀-㋋㍘-㍰㍱-㏾🄀-🄐"
_COMPATIBLE = re.compile(f"[^{_KEPT}]+")
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


def nfkc(text: str) -> str:
    """Return the NFKC form without invisible characters.  Super- and subscripts and circled digits stay."""
    if text.isascii():
        return text
    return _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), stream_safe(text.translate(_INVISIBLE)))


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return a text in a Unicode form."""
    return text if text.isascii() else unicodedata.normalize(form, stream_safe(text))


MARKS_IN_A_ROW = 30  # of Stream-Safe Text Format, Unicode UAX #15, section 13


def stream_safe(text: str) -> str:
    """Return a text with at most MARKS_IN_A_ROW combining marks in a row, the others left out.

    Marks are put in order by moving each past those before it, so that half a million in a row would take minutes.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    marks = _combining()[np.minimum(points, _PLANES)]
    if np.count_nonzero(marks) <= MARKS_IN_A_ROW:
        return text
    places = np.arange(len(marks))
    before = places - np.maximum.accumulate(np.where(marks, 0, places + 1)) + 1  # marks in a row up to each place
    kept: bytes = points[before <= MARKS_IN_A_ROW].tobytes()
    return kept.decode("utf-32-le", "surrogatepass")


_PLANES = 0x1FFFF  # those beyond hold no marks


@functools.lru_cache(maxsize=1)
def _combining() -> npt.NDArray[np.bool_]:
    """Return for each code point whether it is a combining mark."""
    return np.array([unicodedata.combining(chr(point)) != 0 for point in range(_PLANES + 1)])
