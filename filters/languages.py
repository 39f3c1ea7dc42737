r"""Which languages a chain is in, by the script of its words.

A word is a run of two and more letters, or a, A and I; two Chinese characters count as one.  Code and LaTeX are in no language.
Latin letters count as English: what else is written in them is not told apart.
"""

import re
from collections.abc import Sequence

from filters.mentions import HAN_PER_WORD
from schemas.annotation import LanguageShare

# Formulas end where they close, and are none where another one opens first: so each character is looked at once.
_MARKUP = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]++`|\$\$[^$]++\$\$|\$[^$\n]++\$|\\\[(?:[^\\]|\\(?![\[\]]))*+\\\]|\\\((?:[^\\]|\\(?![()]))*+\\\)"
    r"|\\(?:begin|end)\{[^{}\n]{1,20}\}|\\[A-Za-z]++",
    re.DOTALL,
)
_MARKUP_SIGN = re.compile(r"[`$\\]")
_LATIN = re.compile(r"[A-Za-z]{2,}|\b[aAI]\b")
_WIDE_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]{2,}|\b[aAI]\b")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile("[\u3040-\u30ff]")
# Scripts with spaces between words, or without (Thai), where a run counts as a word.
_SCRIPTS = {
    "ko": re.compile("[\uac00-\ud7af]+"),
    "ru": re.compile("[\u0400-\u04ff]{2,}"),
    "ar": re.compile("[\u0600-\u06ff]{2,}"),
    "hi": re.compile("[\u0900-\u097f]{2,}"),
    "el": re.compile("[\u0370-\u03ff]{3,}"),  # shorter ones are symbols
    "he": re.compile("[\u0590-\u05ff]{2,}"),
    "th": re.compile("[\u0e00-\u0e7f]{2,}"),
}
KANA_OF_JAPANESE = 0.25  # as many kana as this share of the Chinese characters make a text Japanese; ours: it has about as many


def shares(text: str) -> list[LanguageShare]:
    """Return the share of each language in the words of a text, the larger first; [] where it has no words."""
    markup = _MARKUP_SIGN.search(text)
    ascii = text.isascii()
    if ascii and markup and _LATIN.search(text, 0, markup.start()):
        return [LanguageShare("en", 1.0)]
    plain = _MARKUP.sub(" ", text) if markup else text
    if ascii:
        return [LanguageShare("en", 1.0)] if _LATIN.search(plain) else []
    counts: dict[str, float] = {"en": len(_WIDE_LATIN.findall(plain))}
    han, kana = len(_HAN.findall(plain)), len(_KANA.findall(plain))
    counts["ja" if kana > KANA_OF_JAPANESE * han else "zh"] = (han + kana) / HAN_PER_WORD
    counts |= {language: len(script.findall(plain)) for language, script in _SCRIPTS.items()}
    words = sum(counts.values())
    found = [LanguageShare(language, count / words) for language, count in counts.items() if count]
    return sorted(found, key=lambda one: (-one.share, one.language))


def languages(texts: Sequence[str]) -> list[list[LanguageShare]]:
    """Return the shares of each text."""
    return [shares(text) for text in texts]
