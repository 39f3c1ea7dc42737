"""Whether two readings are the same answer.

"equal" is said of what is surely equal, "different" of what is surely not; "unknown" of all else, and of what is a matter of
convention: a missing unit, an unevaluated sum, a column vector as a tuple.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from filters.answers.expression import Num, Op, Sym
from filters.answers.parts import Based, Binary, Bracket, Listed, Matrix, Part, Worded
from filters.answers.quantity import judge
from filters.answers.reading import Reading
from filters.answers.regions import REALS, is_composed, region, same_region
from filters.answers.relations import as_interval, bare, compare_relations, is_equation, is_relation, labelled
from filters.answers.scalars import DIFFERENT, EQUAL, RELATIONS, UNKNOWN, Outcome, compare_scalars, measured, scalar_value

MAX_ITEMS = 64  # of an unordered collection: matching is quadratic


def compare(gold: Reading, answer: Reading, tolerance: Fraction = Fraction(0)) -> Outcome:
    """Return how an answer compares with the gold.  `tolerance` is relative to a gold number."""
    if gold.text == answer.text:
        return EQUAL
    if gold.quantity is not None and answer.quantity is not None:
        status, reason = judge(gold.quantity, answer.quantity, tolerance)
        return Outcome(RELATIONS[status], reason)
    if gold.words is not None and answer.words is not None:
        return _of_words(gold.words, answer.words)
    one, other = as_part(gold), as_part(answer)
    return UNKNOWN if one is None or other is None else compare_parts(one, other, tolerance)


def as_part(reading: Reading) -> Part | None:
    """Return a reading as a part: a quantity becomes a number with its unit."""
    return measured(reading.quantity) if reading.quantity is not None else reading.part


def _of_words(gold: str, answer: str) -> Outcome:
    """Compare words: a text that holds the other one and more could mean the same."""
    if gold == answer:
        return EQUAL
    mine, theirs = f" {gold} ", f" {answer} "
    return UNKNOWN if mine in theirs or theirs in mine else DIFFERENT


def compare_parts(gold: Part, answer: Part, tolerance: Fraction = Fraction(0)) -> Outcome:
    """Return how two parts compare."""
    if isinstance(gold, Binary) and isinstance(answer, Binary) and gold.op == answer.op == "∈" and gold.left != answer.left:
        return DIFFERENT
    gold, answer = _meeting(gold, answer)
    one, other = scalar_value(gold), scalar_value(answer)
    if one is not None and other is not None and REALS not in (gold, answer):
        return compare_scalars(one, other, tolerance)
    if is_composed(gold) or is_composed(answer):
        mine, theirs = region(gold), region(answer)
        if mine is not None and theirs is not None:
            return EQUAL if same_region(mine, theirs) else DIFFERENT
    if is_relation(gold) and is_relation(answer):
        return compare_relations(gold, answer)
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        return _of_matrices(gold, answer)
    if isinstance(gold, Based) or isinstance(answer, Based):
        return _of_based(gold, answer)
    members, others = _components(gold), _components(answer)
    if members is not None and others is not None:
        return _unordered(members, others)
    if isinstance(gold, Bracket) and isinstance(answer, Bracket) and "{" not in (gold.left, answer.left):
        return _of_brackets(gold, answer)
    return _of_unlike(gold, answer)


def _meeting(gold: Part, answer: Part) -> tuple[Part, Part]:
    """Return the two in one form: without labels that only one of them has, inequalities as intervals where the other is one."""
    if is_equation(answer) and not is_relation(gold):
        answer = bare(answer)
    elif is_equation(gold) and not is_relation(answer):
        gold = labelled(gold)
    gold, answer = _element_of(gold), _element_of(answer)
    if is_relation(gold) != is_relation(answer) or isinstance(gold, Listed) or isinstance(answer, Listed):
        gold, answer = _intervals(gold), _intervals(answer)
    return _without_one_label(gold, answer), _without_one_label(answer, gold)


def _element_of(part: Part) -> Part:
    """Return S of "x ∈ S" and of {x | x > 2}."""
    if isinstance(part, Binary) and part.op == "∈" and isinstance(part.left, Sym):
        return part.right
    if isinstance(part, Bracket) and part.left == "{" and len(part.items) == 1:
        (inner,) = part.items
        if isinstance(inner, Binary) and inner.op in "|:":
            left = inner.left
            return _element_of(inner.right) if isinstance(left, Sym) or (isinstance(left, Binary) and left.op == "∈") else part
    return part


def _intervals(part: Part) -> Part:
    if isinstance(part, Listed):
        return part._replace(items=tuple(_intervals(one) for one in part.items))
    return as_interval(part) or part


def _without_one_label(part: Part, other: Part) -> Part:
    """Return "x = 1, x = 2" as "1, 2", and "x = 1, y = 2" as the pair in alphabetical order, where the other has no labels."""
    if not isinstance(part, Listed) or not any(map(is_equation, part.items)):
        return part
    if isinstance(other, Listed) and any(map(is_equation, other.items)):
        return part
    names = [one.left.name for one in part.items if isinstance(one, Binary) and one.op == "=" and isinstance(one.left, Sym)]
    if len(set(names)) == 1 and all(not is_relation(one) or is_equation(one) for one in part.items):
        return part._replace(items=tuple(bare(one) for one in part.items))
    if len(names) == len(part.items) == len(set(names)):
        return Bracket(
            "(", tuple(bare(one) for _, one in sorted(zip(names, part.items, strict=True), key=lambda pair: pair[0])), ")"
        )
    return part


def _components(part: Part) -> Sequence[Part] | None:
    """Return the members of a set, a bare list or a union, in which order does not count; None for other parts."""
    if isinstance(part, Listed):
        return [member for one in part.items for member in (_components(one) if _is_union(one) else [one]) or []]
    if isinstance(part, Bracket) and part.left == "{" and part.right == "}":
        return part.items
    if _is_union(part) and isinstance(part, Binary):
        sides = [_components(side) if _is_union(side) or _is_set(side) else [side] for side in (part.left, part.right)]
        return [one for side in sides for one in side or []]
    return None


def _is_union(part: Part) -> bool:
    return isinstance(part, Binary) and part.op == "∪"


def _is_set(part: Part) -> bool:
    return isinstance(part, Bracket) and part.left == "{"


def _unordered(gold: Sequence[Part], answer: Sequence[Part]) -> Outcome:
    """Match every member to its own one.  A member that only could be another's makes the whole unknown."""
    if max(len(gold), len(answer)) > MAX_ITEMS:
        return UNKNOWN
    left = list(answer)
    unsure = False
    for one in gold:
        outcomes = [compare_parts(one, other) for other in left]
        place = next((place for place, outcome in enumerate(outcomes) if outcome.relation == "equal"), None)
        if place is not None:
            left.pop(place)
        elif any(outcome.relation == "unknown" for outcome in outcomes):
            unsure = True
        else:
            return DIFFERENT
    return UNKNOWN if unsure else DIFFERENT if left else EQUAL


def _ordered(gold: Sequence[Part], answer: Sequence[Part]) -> Outcome:
    if len(gold) != len(answer):
        return DIFFERENT
    return _all(compare_parts(one, other) for one, other in zip(gold, answer, strict=True))


def _all(outcomes: Iterable[Outcome]) -> Outcome:
    result = EQUAL
    for outcome in outcomes:
        if outcome.relation == "different":
            return DIFFERENT
        if outcome.relation == "unknown":
            result = outcome
    return result


def _of_brackets(gold: Bracket, answer: Bracket) -> Outcome:
    """Compare tuples and intervals.  Two items between different brackets are different intervals; more are a list as a tuple."""
    alike = (gold.left, gold.right) == (answer.left, answer.right) or len(gold.items) > 2
    return _ordered(gold.items, answer.items) if alike else DIFFERENT


def _of_matrices(gold: Matrix, answer: Matrix) -> Outcome:
    if gold.bars or answer.bars:
        return UNKNOWN
    mine, theirs = (one for row in gold.rows for one in row), (one for row in answer.rows for one in row)
    shapes = [(len(one.rows), len(one.rows[0])) for one in (gold, answer)]
    if shapes[0] == shapes[1]:
        return _ordered(list(mine), list(theirs))
    return UNKNOWN if shapes[0] == shapes[1][::-1] and 1 in shapes[0] else DIFFERENT  # a row for a column


def _of_based(gold: Part, answer: Part) -> Outcome:
    if isinstance(gold, Based) and isinstance(answer, Based):
        if gold == answer:
            return EQUAL
        return DIFFERENT if gold.base == answer.base or int(gold.digits, gold.base) != int(answer.digits, answer.base) else UNKNOWN
    based, other = (gold, answer) if isinstance(gold, Based) else (answer, gold)
    if not isinstance(based, Based) or not isinstance(other, Num):
        return UNKNOWN
    same = str(other.value) == based.digits or other.value == int(based.digits, based.base)
    return Outcome("unknown", "base_missing") if same else DIFFERENT


def _of_unlike(gold: Part, answer: Part) -> Outcome:
    """Compare what is of two kinds: most of it differs, some is another way to write the same."""
    tuples = [part for part in (gold, answer) if isinstance(part, Bracket) and part.left in ("(", "[")]
    lists = [part for part in (gold, answer) if isinstance(part, Listed)]
    if tuples and lists:
        outcome = _ordered(tuples[0].items, lists[0].items)
        if outcome.relation == "equal" and (isinstance(gold, Listed) or tuples[0].left != "(" or tuples[0].right != ")"):
            return Outcome("unknown", "brackets_different")
        return outcome
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return UNKNOWN
    for one, other in ((gold, answer), (answer, gold)):
        members = _components(one)
        if members is not None and scalar_value(other) is not None:
            return compare_parts(members[0], other) if len(members) == 1 else DIFFERENT
    collections = (Bracket, Listed)
    if isinstance(gold, collections) and isinstance(answer, collections):
        return DIFFERENT
    if {type(gold), type(answer)} <= {Bracket, Num, Op, Sym, Worded}:
        return DIFFERENT
    return UNKNOWN
