import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.sources.files import FileSource
from generators.teachers.recorded import RecordedTable
from pipeline.plan import Plan, resolve
from pipeline.recipes import MAX_RECIPE_BYTES, load, parse, suggestion
from schemas.errors import UserError
from schemas.recipe import Recipe
from tests.tokenizer_files import saved

NAME = 'name = "small"\n'
SOURCES = '[[problems]]\nsource = "arithmetic"\n[[problems]]\nsource = "maze"\ncount = 7\n'
FILES = '[problems]\nsource = "jsonl"\npath = "in.jsonl"\nchecker = "numeric"\n'
SOLVER = '[teacher.main]\nkind = "solver"\n'
OLD = '[teacher.old]\nkind = "recorded"\npath = "old/*.jsonl"\n'
NEW = '[teacher.new]\nkind = "recorded"\npath = "new.jsonl"\n'
WHOLE = NAME + SOURCES + SOLVER


def _plan(text: str = WHOLE, *settings: str) -> Plan:
    return resolve(parse(text, "r.toml", settings))


def _mistake(text: str, *settings: str) -> str:
    with pytest.raises(UserError) as error:
        _plan(text, *settings)
    message = str(error.value)
    assert "\n" not in message
    return message


BOUNDS = "r.toml: seed = -1: must be greater than or equal to 0; change it (of all randomness)"


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("sede = 1\n" + WHOLE, [], "r.toml: unknown key 'sede'; did you mean 'seed'?"),
        (WHOLE + "[dedupe]\ntreshold = 1\n", [], "r.toml: unknown key 'dedupe.treshold'; did you mean 'threshold'?"),
        (WHOLE + "slip_rat = 0.5\n", [], "[teacher.main]: unknown key 'slip_rat'; did you mean 'slip_rate'?"),
        (
            NAME + FILES + 'map = { questoin = "q" }\n' + SOLVER,
            [],
            "[problems]: unknown key 'map.questoin'; did you mean 'question'?",
        ),
        (WHOLE, ["problems.1.cuont=5"], "[[problems]] number 2: unknown key 'cuont'; did you mean 'count'?"),
        (
            "zzz = 1\n" + WHOLE,
            [],
            "r.toml: unknown key 'zzz'; "
            "known: annotate, budget, decontaminate, dedupe, export, judge, loop, name, partitions, problems, prompt, root, round, "
            "seed, select, split, strategy, tagger, teacher",
        ),
        (WHOLE, ["seed=-1"], BOUNDS),
        ("seed = -1\n" + WHOLE, [], BOUNDS),
        (WHOLE, ['seed="a"'], 'r.toml: seed = "a": must be an integer; change it (of all randomness)'),
        (WHOLE, ["seed=1.5"], "r.toml: seed = 1.5: must be an integer; change it (of all randomness)"),
        (WHOLE, ["seed=true"], "r.toml: seed = true: must be an integer; change it (of all randomness)"),
        (WHOLE, ["name=5"], "r.toml: name = 5: must be a string; change it (the dataset's name)"),
        (WHOLE, ["dedupe.threshold=2"], "r.toml: dedupe.threshold = 2: must be less than or equal to 1; change it"),
        (WHOLE, ["dedupe.threshold=0"], "r.toml: dedupe.threshold = 0: must be greater than 0; change it"),
        (WHOLE, ["select.keep=[1]"], "r.toml: select.keep.0 = 1: must be a string; change it"),
        (
            WHOLE,
            ["teacher.main.slip_rate=2"],
            "[teacher.main]: slip_rate = 2: must be less than or equal to 1; change it (probability that a step goes wrong)",
        ),
        (WHOLE, ["teacher.main.kind=solvr"], "[teacher.main]: kind = \"solvr\" is unknown; did you mean 'solver'?"),
        (
            WHOLE,
            ["teacher.main.kind=5"],
            "[teacher.main]: kind = 5 is unknown; known: mixture, openai, recorded, reward, solver, vllm",
        ),
        (
            WHOLE,
            ["problems.0.source=csv"],
            '[[problems]] number 1: source = "csv" is unknown; known: arithmetic, countdown, gym, jsonl, maze, parquet',
        ),
        (WHOLE.replace(NAME, ""), [], "r.toml: 'name' is missing; add it (the dataset's name)"),
        (NAME + SOURCES, [], "r.toml: 'teacher' is missing; add it (one table a teacher)"),
        (NAME + SOLVER, [], "r.toml: 'problems' is missing; add it (one source, or several as [[problems]])"),
        (NAME + FILES.replace('path = "in.jsonl"\n', "") + SOLVER, [], "[problems]: 'path' is missing; add it"),
        (
            NAME + FILES + 'answer_pattern = "####"\n' + SOLVER,
            [],
            "[problems]: answer_pattern = \"####\": must hold exactly one group, as in '#### (.+)$', not 0; change it "
            "(one group; its last match in the answer field is the gold)",
        ),
        (NAME + FILES + OLD, ["problems.checker=numric"], "[problems] checker = 'numric' is unknown; did you mean 'numeric'?"),
        (
            NAME + FILES + SOLVER + OLD,
            [],
            "[teacher.main] kind = 'solver' cannot solve problems of source 'jsonl'; "
            "it solves arithmetic, countdown, maze: give these problems another teacher",
        ),
        (WHOLE, ['select.keep=["corect"]'], "[select] keep = 'corect' is unknown; did you mean 'correct'?"),
        (WHOLE, ['export.configs=["stf"]'], "[export] configs = 'stf' is unknown; did you mean 'sft'?"),
        (
            WHOLE,
            ['export.ablation.labels=["verificaton"]'],
            "[export.ablation] labels = 'verificaton' is unknown; did you mean 'verification'?",
        ),
        (
            WHOLE,
            ["select.reflections=[{max=1}, {label='hesitaton', max=1}]"],
            "[[select.reflections]] number 2: label = 'hesitaton' is unknown; did you mean 'hesitation'?",
        ),
        (
            WHOLE,
            ["select.reflections=[{effect='iddle', max=1}]"],
            "[[select.reflections]] number 1: effect = 'iddle' is unknown; did you mean 'idle'?",
        ),
        (
            WHOLE,
            ["select.reflections=[{effect='idle', min=1}, {label='subgoal', effect='harmful', min=1}]"],
            "[[select.reflections]] number 2: a subgoal turns on no answer, its effect is never 'harmful'; take the condition out",
        ),
        (
            WHOLE,
            ["select.reflections=[{label='hesitation', max=1}, {label='hesitation', effect='idle', min=2}]"],
            "[[select.reflections]] number 2: min = 2 is over max = 1 of number 1, no row has both; change one",
        ),
        (
            WHOLE,
            ["select.reflections=[{label='hesitation'}]"],
            'r.toml: select.reflections.0 = {"label": "hesitation"}: must have min, max or max_per_1000_tokens; change it',
        ),
        (
            WHOLE,
            ["select.reflections=[{max=1}]"],
            "[select] reflections counts by the rule 'reflections' alone; add the rule to keep, or take the key out",
        ),
        (
            WHOLE,
            ['select.keep=["length"]'],
            "[select] keep = 'length' needs min_tokens or max_tokens; add it to [select], or take the rule out",
        ),
        (
            WHOLE,
            ["select={min_tokens=2,max_tokens=1}"],
            'r.toml: select = {"min_tokens": 2, "max_tokens": 1}: min_tokens must not be over max_tokens; change it',
        ),
        (
            WHOLE,
            ['strategy={kind="repeated",teachers=["mian"]}'],
            "[strategy] teachers = 'mian' is unknown; did you mean 'main'?",
        ),
        (WHOLE, ["seed"], "--set 'seed': must be key=value, as in --set strategy.samples=8"),
        (WHOLE, ["=5"], "--set '=5': must be key=value, as in --set strategy.samples=8"),
        (WHOLE, ["name.x=1"], "--set 'name.x=1': 'name' is no table of the recipe; see its [tables]"),
        (WHOLE, ["problems.2.count=5"], "--set 'problems.2.count=5': 'problems.2' is no table of the recipe; see its [tables]"),
        (WHOLE, ["problems.x.count=5"], "--set 'problems.x.count=5': 'problems.x' is no table of the recipe; see its [tables]"),
        (WHOLE, ["problems.0=5"], "--set 'problems.0=5': 'problems' is no table of the recipe; see its [tables]"),
    ],
)
def test_a_mistake_is_one_line_with_the_value_the_rule_and_the_next_step(text: str, settings: list[str], message: str) -> None:
    assert _mistake(text, *settings) == message


@pytest.mark.parametrize("text", ["name", "a = 1\na = 2", "[x", 'name = "a\n"', "x = 2020-13-45", "\x00"])
def test_what_is_not_toml_is_one_line_that_says_where(text: str) -> None:
    message = _mistake(text)
    assert message.startswith("recipe r.toml: not TOML: ") and message.endswith("mend that line")


@pytest.mark.parametrize(("text", "settings"), [(f"seed = {'9' * 5000}\n{WHOLE}", []), (WHOLE, [f"seed={'9' * 5000}"])])
def test_a_number_that_is_too_long_to_read_is_a_mistake_too(text: str, settings: list[str]) -> None:
    _mistake(text, *settings)


@pytest.mark.parametrize("nested", ["[" * 5000, "{a=" * 5000])
def test_nesting_that_is_too_deep_is_a_mistake_too(nested: str) -> None:
    _mistake(f"x = {nested}")
    _mistake(WHOLE, f"seed={nested}")


def test_a_long_value_is_shown_by_its_beginning() -> None:
    message = _mistake(WHOLE, f'seed="{"x" * 10_000}"')
    assert len(message) < 250 and 'seed = "xxxx' in message and "..." in message


@pytest.mark.parametrize("article", ["problems=5", "select.keep=5", 'export.configs="sft"'])
def test_a_list_is_asked_for_in_good_english(article: str) -> None:
    assert "must be an array" in _mistake(WHOLE, article)


def test_a_file_that_is_no_recipe_is_one_line(tmp_path: Path) -> None:
    missing, binary, huge = tmp_path / "missing.toml", tmp_path / "binary.toml", tmp_path / "huge.toml"
    binary.write_bytes(b'name = "\xff"')
    huge.write_bytes(b"#" * (MAX_RECIPE_BYTES + 1))
    for path, said in ((missing, "No such file"), (tmp_path, "give the path"), (binary, "not UTF-8 at byte 8"), (huge, "at most")):
        with pytest.raises(UserError) as error:
            load(str(path))
        message = str(error.value)
        assert message.startswith(f"recipe {path}: ") and said in message and "\n" not in message


def test_a_recipe_file_is_read_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(WHOLE)
    assert load(str(tmp_path / "r.toml"), ["seed=4"]) == parse(WHOLE, "elsewhere", ["seed=4"])


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("seed=5", ("seed",), 5),
        ("name=other", ("name",), "other"),
        ('name="other"', ("name",), "other"),
        ("dedupe.threshold=0.5", ("dedupe", "threshold"), 0.5),
        ('select.keep=["finished"]', ("select", "keep"), ["finished"]),
        ("problems.0.count=5", ("problems", 0, "count"), 5),
        ("problems.1.count=9", ("problems", 1, "count"), 9),
        ("teacher.main.slip_rate=0.25", ("teacher", "main", "slip_rate"), 0.25),
        ('teacher.new={kind="solver"}', ("teacher", "new", "kind"), "solver"),
        ("root=a=b", ("root",), "a=b"),
        ("root=", ("root",), ""),
    ],
)
def test_a_setting_changes_one_key_and_no_other(setting: str, path: tuple[str | int, ...], value: object) -> None:
    here: Any = _plan(WHOLE, setting).resolved
    for step in path:
        here = here[step]
    assert here == value
    before, after = _plan().resolved, _plan(WHOLE, setting).resolved
    follows = {"strategy"} if path[0] == "teacher" else set()  # by default it asks every teacher, by name
    changed = {key for key in before | after if before.get(key) != after.get(key)} - follows
    assert changed == {path[0]} - ({"root"} if value == "" else set())


def test_a_tokenizer_is_published_by_its_name_and_looked_for_from_the_root(tmp_path: Path) -> None:
    assert _plan().tokenizer.name == _plan().published["annotate"]["tokenizer"] == "words_v1"
    message = _mistake(f'root = "{tmp_path}"\n{WHOLE}', "annotate.tokenizer=tiny/tokenizer.json")
    assert message.startswith(f"[annotate] tokenizer = '{tmp_path}/tiny/tokenizer.json': cannot be read")
    assert "must be" in _mistake(WHOLE, "annotate.tokenizer=5")


def test_a_tokenizer_of_a_file_is_published_without_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason='needs the optional library: pip install "starbeam[tokenizers]"')
    path = saved(tmp_path / "tiny" / "tokenizer.json", "one")
    plan = _plan(f'root = "{tmp_path}"\n{WHOLE}', "annotate.tokenizer=tiny/tokenizer.json")
    elsewhere = _plan(WHOLE, f"annotate.tokenizer={path}")
    assert plan.resolved["annotate"] == {"tokenizer": "tiny/tokenizer.json"}
    assert plan.published["annotate"] == {"tokenizer": plan.tokenizer.name} and plan.tokenizer.name.startswith("tiny@")
    assert plan.recipe_sha256 == elsewhere.recipe_sha256 != _plan().recipe_sha256


def test_the_last_setting_of_a_key_wins() -> None:
    assert _plan(WHOLE, "seed=1", "seed=2").recipe.seed == 2


def test_a_setting_sets_one_key_only() -> None:
    with pytest.raises(UserError):
        parse(WHOLE, "r.toml", ["seed=8\nname = 'other'"])


def test_a_single_source_can_be_a_table_or_a_list_of_one() -> None:
    assert _plan(NAME + FILES + OLD).resolved == _plan(NAME + FILES.replace("[problems]", "[[problems]]") + OLD).resolved


def test_defaults_are_filled_in() -> None:
    resolved = _plan(NAME + FILES + OLD).resolved
    assert (resolved["seed"], resolved["partitions"], resolved["dedupe"]) == (0, 64, {"threshold": 0.8, "against": []})
    assert resolved["select"] == {
        "keep": ["correct", "not_duplicate"],
        "min_vote_share": 0.5,
        "prefer": "shortest",
        "reflections": [],
    }
    assert resolved["export"]["configs"] == ["full", "sft"] and "summary" not in resolved["export"]["ablation"]["labels"]
    assert resolved["strategy"] == {"kind": "repeated", "samples": 1, "shuffle_choices": False, "teachers": ["old"]}
    (problems,) = resolved["problems"]
    assert (problems["map"]["question"], problems["map"]["answer"]) == ("question", "answer")
    assert resolved["teacher"]["old"]["map"]["response"] == "response" and resolved["teacher"]["old"]["where"] == {}
    assert _plan().resolved["problems"][0]["count"] == 1000


def test_a_default_that_is_written_out_changes_no_hash() -> None:
    assert _plan(WHOLE, "seed=0", "partitions=64", "problems.0.count=1000").recipe_sha256 == _plan().recipe_sha256


@pytest.mark.parametrize(
    "setting", ["seed=1", "name=other", "problems.1.count=8", "teacher.main.slip_rate=0.1", "dedupe.threshold=0.9"]
)
def test_whatever_decides_the_data_changes_the_hash(setting: str) -> None:
    assert _plan(WHOLE, setting).recipe_sha256 != _plan().recipe_sha256


@pytest.mark.parametrize("root", ["", "data", "/data", "s3://bucket/data"])
def test_where_files_lie_changes_no_hash(root: str) -> None:
    plan = _plan(NAME + FILES + OLD, f"root={root}")
    assert plan.recipe_sha256 == _plan(NAME + FILES + OLD).recipe_sha256 and plan.resolved["root"] == root


@given(
    st.permutations(['name = "small"', "seed = 3", "partitions = 2"]),
    st.permutations(["count = 9", 'source = "arithmetic"', "min_digits = 3"]),
)
def test_the_order_of_keys_changes_no_hash(top: list[str], inner: list[str]) -> None:
    text = "\n".join([*top, "[problems]", *inner, SOLVER])
    assert _plan(text).recipe_sha256 == KEYS.recipe_sha256


KEYS = _plan('name = "small"\nseed = 3\npartitions = 2\n[problems]\nsource = "arithmetic"\ncount = 9\nmin_digits = 3\n' + SOLVER)


def test_recipes_that_ask_their_teachers_in_another_order_have_other_hashes() -> None:
    one, other = _plan(NAME + FILES + NEW + OLD), _plan(NAME + FILES + OLD + NEW)
    assert (one.asked == other.asked) == (one.recipe_sha256 == other.recipe_sha256)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (WHOLE, []),
        (NAME + FILES + OLD + NEW, ["root=s3://bucket/data", "seed=7", "teacher.old.where={model='a'}"]),
        (NAME + FILES + OLD, ["root=/data", "problems.answer_pattern='#### (.+)$'", "select.max_per_problem=3"]),
        (WHOLE, ['strategy={kind="repeated",teachers=["main"],samples=4}', "dedupe.threshold=0.123456789012345"]),
    ],
)
def test_the_recipe_of_a_run_gives_the_same_recipe_again(text: str, settings: list[str]) -> None:
    plan = _plan(text, *settings)
    written = plan.to_toml()
    again = _plan(written)
    assert again.recipe_sha256 == plan.recipe_sha256 and again.resolved == plan.resolved and again.to_toml() == written
    assert again.sources == plan.sources and again.teachers == plan.teachers and again.asked == plan.asked
    assert plan.recipe_sha256 in written.splitlines()[0] and tomllib.loads(written) == plan.resolved


@pytest.mark.parametrize(
    ("root", "path", "wanted"),
    [
        ("", "in.jsonl", "in.jsonl"),
        ("data", "in.jsonl", "data/in.jsonl"),
        ("/data/", "a/*.jsonl", "/data/a/*.jsonl"),
        ("s3://bucket/data", "in.jsonl", "s3://bucket/data/in.jsonl"),
        ("s3://bucket/data", "/tmp/in.jsonl", "/tmp/in.jsonl"),
        ("data", "gs://other/in.jsonl", "gs://other/in.jsonl"),
        ("memory://", "in.jsonl", "memory://in.jsonl"),
    ],
)
def test_relative_paths_start_from_the_root(root: str, path: str, wanted: str) -> None:
    plan = _plan(NAME + FILES + OLD, f"root={root}", f"problems.path={path}", f"teacher.old.path={path}")
    source, teacher = plan.sources[0], plan.teachers["old"]
    assert isinstance(source, FileSource) and isinstance(teacher, RecordedTable)
    assert source.path == teacher.path == wanted
    assert plan.resolved["problems"][0]["path"] == plan.resolved["teacher"]["old"]["path"] == path


def test_all_teachers_are_asked_in_the_recipes_order_where_the_strategy_names_none() -> None:
    text = NAME + FILES + NEW + OLD
    assert _plan(text).asked == ["new", "old"]
    assert _plan(text, 'strategy={kind="repeated",teachers=["old"]}').asked == ["old"]


def test_a_solver_that_is_not_asked_may_stand_beside_problems_it_cannot_solve() -> None:
    assert _plan(NAME + FILES + SOLVER + OLD, 'strategy={kind="repeated",teachers=["old"]}').asked == ["old"]


def test_an_input_that_is_not_there_is_named(tmp_path: Path) -> None:
    plan = _plan(NAME + FILES + OLD, f"root={tmp_path}", "teacher.old.path=in.jsonl")
    with pytest.raises(UserError, match="no such file"):
        plan.check_inputs()
    (tmp_path / "in.jsonl").write_text("")
    plan.check_inputs()


@given(st.text(max_size=12), st.lists(st.sampled_from(list(Recipe.model_fields)), min_size=1, unique=True))
def test_a_suggestion_names_only_what_is_known(seen: str, known: list[str]) -> None:
    said = suggestion(seen, known)
    assert said in [f"did you mean {name!r}?" for name in known] or said == f"known: {', '.join(sorted(known))}"
