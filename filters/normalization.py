"""The compatibility form in which every checker reads."""

import re
import unicodedata

# Super- and subscripts, vulgar fractions, circled and Roman numerals: NFKC would turn 4² into 42 and 1½ into 11/2.
_KEPT = "ª²³¹º¼-¾\u1d2c-\u1d6a\u1d78\u1d9b-\u1dbf⁰-₟⅐-\u218b①-⒛⓪-⓿❶-➓㉐-㉟㉈-㉏㊱-㊿㋀-㋋㍘-㍰㍱-㏾🄀-🄐"
_COMPATIBLE = re.compile(f"[^{_KEPT}]+")
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


def nfkc(text: str) -> str:
    """Return the NFKC form without invisible characters.  Super- and subscripts and circled digits stay."""
    if text.isascii():
        return text
    return _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text.translate(_INVISIBLE))
