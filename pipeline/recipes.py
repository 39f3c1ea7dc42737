"""Reading recipes: TOML to a checked `Recipe`, and every mistake to one line that says how to mend it."""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline import storage
from schemas.errors import RunError, UserError
from schemas.recipe import Recipe, Section, Table

S = TypeVar("S", bound=Section)

MAX_RECIPE_BYTES = 1 << 20  # a recipe is written by hand

# Keys that may hold a secret, by mistake: what is written there is not repeated.
_SECRET = re.compile(r"api_key|secret|password|passwd|credential|base_url|(^|[._])(auth|token|key)$", re.I)
_SHOULD = re.compile(r"^\w+ should")  # how pydantic begins a rule


def load(path: str, settings: Sequence[str] = ()) -> Recipe:
    """Return the recipe in a TOML file, with `key=value` settings applied.  Raises UserError."""
    return parse(_read(path), path, settings)


def _read(path: str) -> str:
    try:
        data = storage.read_bytes(path)
    except RunError as error:
        raise UserError(f"recipe {path}: {str(error).rpartition(': ')[2]}; give the path of a TOML recipe") from error
    if len(data) > MAX_RECIPE_BYTES:
        raise UserError(f"recipe {path}: {len(data)} bytes; a recipe has at most {MAX_RECIPE_BYTES}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"recipe {path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def parse(text: str, path: str, settings: Sequence[str] = ()) -> Recipe:
    """Return the recipe in a TOML text.  Raises UserError."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"recipe {path}: not TOML: {error}; mend that line") from error
    for setting in settings:
        _apply(table, setting)
    if isinstance(table.get("problems"), dict):
        table["problems"] = [table["problems"]]
    return build(Recipe, table, path)


def _apply(table: Table, setting: str) -> None:
    """Set one dotted key of a raw recipe; a number, from 0, steps into a list of tables."""
    key, equals, value = setting.partition("=")
    if not equals or not key:
        raise UserError(f"--set {setting!r}: must be key=value, as in --set strategy.samples=8")
    parsed = _value(value)
    *parents, last = key.split(".")
    here: Any = table
    for name in parents:
        if isinstance(here, dict):
            here = here.setdefault(name, {})
        elif isinstance(here, list) and name.isdecimal() and int(name) < len(here):
            here = here[int(name)]
        else:
            here = None
    if not isinstance(here, dict):
        raise UserError(f"--set {setting!r}: {key.rpartition('.')[0]!r} is no table of the recipe; see its [tables]")
    here[last] = parsed


def _value(text: str) -> object:
    """Return what a text is as a TOML value; where it is none, the text itself."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if list(table) == ["value"] else text


def build(section: type[S], table: Mapping[str, Any], where: str) -> S:
    """Return the section that a raw table describes.  Raises UserError with the first mistake in it."""
    try:
        return section.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error.errors()[0], section)}") from error


def _explain(error: ErrorDetails, section: type[Section]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    seen = "…" if _SECRET.search(key) else _shown(error["input"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {suggestion(str(error['loc'][-1]), _keys_at(section, error['loc'][:-1]))}"
    if error["type"] == "missing":
        return f"{key!r} is missing; add it{_described(section, error['loc'])}"
    rule = (
        _SHOULD.sub("must", error["msg"].removeprefix("Value error, "))
        .replace("be a valid integer", "be an integer")
        .replace("be a valid array", "be an array")
        .replace("be a valid", "be a")
    )
    if not key:  # of several keys together: the rule names them
        return f"{rule}; change it"
    return f"{key} = {seen}: {rule}; change it{_described(section, error['loc'])}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _described(section: type[Section], path: Sequence[str | int]) -> str:
    fields = section.model_fields
    field = fields.get(str(path[0])) if len(path) == 1 else None
    return f" ({field.description})" if field is not None and field.description else ""


def _keys_at(section: type[Section], path: Sequence[str | int]) -> list[str]:
    for name in path:
        field = section.model_fields.get(str(name))
        annotation = field.annotation if field is not None else None
        for one in (annotation, *get_args(annotation)):  # a section, an optional one, several
            if isinstance(one, type) and issubclass(one, Section):
                section = one
    return list(section.model_fields)


def suggestion(seen: str, known: Sequence[str]) -> str:
    """Return "did you mean 'x'?" where one is close, else the list of all."""
    close = difflib.get_close_matches(seen, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"


def pick(table: Mapping[str, Any], key: str, known: Mapping[str, type[S]], where: str) -> S:
    """Return the section that `table[key]` names among `known`, built from the table.  Raises UserError."""
    name = table.get(key)
    if name is None:
        raise UserError(f"{where}: {key!r} is missing; known: {', '.join(sorted(known))}")
    if not isinstance(name, str) or name not in known:
        raise UserError(f"{where}: {key} = {_shown(name)} is unknown; {suggestion(str(name), list(known))}")
    return build(known[name], table, where)
