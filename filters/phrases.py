"""Words that deny, doubt or report an answer, as parts of patterns.  All are in lower case: patterns run on lowered text."""

from collections.abc import Iterable

_N_T = r"\w{1,8}n['’]t"


def one_of(phrases: str) -> str:
    r"""Return a pattern for one of `phrases`, "so|as a result"; a space in one stands for any white space."""
    return "(?:" + phrases.replace(" ", r"\s") + ")"


def places(text: str, words: Iterable[str]) -> list[int]:
    """Return where any of `words` begins, in order.  A search for each is quicker than a pattern for all."""
    found: list[int] = []
    for word in words:
        place = text.find(word)
        while place >= 0:
            found.append(place)
            place = text.find(word, place + len(word))
    return sorted(found)


NOT = f"not|never|cannot|{_N_T}"
WRONG = "wrong|incorrect|false"
HEDGES = "maybe|perhaps|possibly|probably"
SUPPOSED = r"if|unless|whether|suppose|assum\w{1,4}|imagine|pretend"
REPORTED = r"says?|said|claim\w{0,3}|thinks|thought|believes|suggests|argues|wrote|insists"
_OTHERS = (
    r"(?:text|work|note|hand)?books?|answer keys?|teachers?|friends?|authors?|students?|classmates?|manual|internet|web\w{0,5}"
    "|articles?|sources?|references?"
)
# Who else says so, in the clause or the one before: "Tom said, the answer is 12".  "That said" and "as we said" name nobody else.
ASCRIBED = (
    r"(?:(?<!\bi )(?<!\bwe )(?<!\bthat )(?<!\bhaving )\b(?:says|said|claims|claimed|thinks|believes|insists|wrote|told|tells)\b"
    rf"|\baccording to (?:him|her|them|you|(?:the|this|that|my|your|his|her|their|an?) (?:\w{{1,20}} ){{0,2}}?(?:{_OTHERS}))\b"
    r"|(?<![我是话来以如单])说|声称|告诉|[据照]\w{0,4}(?:书|课本|教材|老师|同学|答案|网上|资料))"
    r"[^,;:，；：]{0,200}(?:[,;:，；：][^,;:，；：]{0,200})?$"
)
SO = "so|therefore|thus|hence"
CHINESE_SO = "所以|因此|因而|综上"
CHINESE_IF = "如果|假如|假设|若"
CHINESE_HEDGES = "可能|也许|或许|大概|大约|左右|不确定"
MISTAKEN = (
    r"i (?:made|have made) (?:a|an|one|some) (?:\w{1,20} )?(?:mistake|error)|i mis(?:read|calculated|counted)"
    "|scratch that|my mistake|oops|i take (?:that|it) back"
)
CHINESE_MISTAKEN = "更正|纠正一下|[算弄写说搞]错了|(?<![A-Za-z)）项])不对"
IS_WRONG = r"(?:\sis|'s|’s|\swas)\s(?:clearly\s|obviously\s|actually\s)?"
