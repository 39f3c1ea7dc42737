"""The Lean backend against a stand-in that speaks Lean's messages: the text that is run, what is refused, how messages are read.

Lean itself is run by none of these tests; the stand-in says what Lean 4 is documented to say.
"""

import json
import os
import sys
from pathlib import Path

import pytest

from filters.provers import PROVERS, ProofError, Reply, Request
from filters.provers.backends import find_lean
from filters.provers.lean_server import Lean, Refused, body_start
from filters.provers.process import Installed, ProcessProver
from filters.sandbox import bubblewrap
from tests.linear_time import assert_linear

STATEMENT = "∀ n : Nat, n + 0 = n"
STAND_IN = r"""#!{python}
import json, sys, time
if sys.argv[1:] == ["--print-prefix"]:
    print({prefix!r})
    sys.exit()
assert sys.argv[1:3] == ["--stdin", "--json"], sys.argv
text = sys.stdin.read()
lines = text.split("\n")
def say(severity, line, column, data):
    place = {{"line": line, "column": column}}
    print(json.dumps({{"severity": severity, "pos": place, "endPos": None, "caption": "", "fileName": "<stdin>", "data": data}}))
for number, line in enumerate(lines, 1):
    for word, said in {{
        "nothing": "unknown identifier 'nothing'",
        "skip": "unsolved goals\nn : Nat\n⊢ n + 0 = n\n\ncase b\n⊢ True",
        "slow": "(deterministic) timeout at `whnf`, maximum number of heartbeats (200000) has been reached",
    }}.items():
        if word in line:
            say("error", number, line.index(word), said)
if "forever" in text:
    time.sleep(600)
if "crash" in text:
    sys.exit(137)
if "spam" in text:
    print("spam " * 4_000_000)
print("not a message")
axioms = {axioms!r}
report = f"depends on axioms: [{{', '.join(axioms)}}]" if axioms else "does not depend on any axioms"
if "silent" not in text:
    say("information", lines.index("#print axioms starbeam_theorem") + 1, 0, f"'starbeam_theorem' {{report}}")
"""


def lean(folder: Path, axioms: tuple[str, ...] = ()) -> Lean:
    program = folder / "bin" / "lean"
    program.parent.mkdir(exist_ok=True)
    program.write_text(STAND_IN.format(python=sys.executable, prefix=str(folder), axioms=axioms))
    program.chmod(0o755)
    return Lean(str(program))


@pytest.mark.parametrize(
    "proof",
    [
        "by simp",
        ":= by simp",
        "theorem mine : ∀ n : Nat,\n  n + 0 = n := by\n  simp",
        "/- by nothing -/ by simp -- x",
        "fun _ => rfl",
    ],
)
def test_a_right_proof_holds(tmp_path: Path, proof: str) -> None:
    assert lean(tmp_path).prove(Request(statement=STATEMENT, proof=proof)) == Reply(reason="proved")


def test_errors_come_with_their_place_in_the_proof(tmp_path: Path) -> None:
    request = Request(header="import Mathlib\n\nopen Nat", statement=STATEMENT, proof="by\n  simp\n  exact nothing")
    assert lean(tmp_path).prove(request).errors == (ProofError(3, 9, "unknown identifier 'nothing'"),)
    restated = Request(statement=STATEMENT, proof=f"theorem x : {STATEMENT} :=\n  by exact nothing")
    assert lean(tmp_path).prove(restated).errors == (ProofError(2, 12, "unknown identifier 'nothing'"),)


def test_open_goals_are_told(tmp_path: Path) -> None:
    reply = lean(tmp_path).prove(Request(statement=STATEMENT, proof="by skip"))
    assert (reply.reason, reply.open_goals) == ("open_goals", ("n : Nat\n⊢ n + 0 = n", "case b\n⊢ True"))


@pytest.mark.parametrize(
    ("proof", "axioms", "reason"),
    [
        ("by simp", ("propext", "Classical.choice", "Quot.sound"), "proved"),
        ("by simp", ("given",), "proved"),
        ("by simp", ("sorryAx",), "admitted"),
        ("by native_decide", ("Lean.ofReduceBool",), "assumptions"),
        ("by slow", (), "timeout"),
        ("by crash", (), "resources"),
        ("by silent", (), "resources"),
        ("by spam", (), "resources"),
    ],
)
def test_what_a_run_says(tmp_path: Path, proof: str, axioms: tuple[str, ...], reason: str) -> None:
    request = Request(header="axiom given : 1 = 1", statement=STATEMENT, proof=proof)
    assert lean(tmp_path, axioms).prove(request).reason == reason


def test_an_error_before_the_proof_is_the_golds(tmp_path: Path) -> None:
    for header, statement in (("nothing", STATEMENT), ("", "nothing")):
        reply = lean(tmp_path).prove(Request(header=header, statement=statement, proof="by simp"))
        assert reply.reason == "gold_unreadable"


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ("", "no_proof"),
        (":=", "no_proof"),
        ("-- nothing here", "no_proof"),
        ("by sorry", "admitted"),
        ("by\n  admit", "admitted"),
        ("sorryAx _", "admitted"),
        ("theorem mine : True := trivial", "statement_changed"),
        ("theorem mine : ∀ n : Nat, 0 + n = n := by simp", "statement_changed"),
        ("theorem mine (n : Nat) : n + 0 = n := by simp", "unsupported_command"),
        ("by simp\naxiom evil : False", "forbidden_command"),
        ("by simp\n#eval IO.FS.writeFile", "forbidden_command"),
        ("by run_tac do pure ()", "forbidden_command"),
        ("by\n  set_option debug.skipKernelTC true in simp", "forbidden_command"),
        ("by_elab return default", "forbidden_command"),
        ("by exact eval% 1", "forbidden_command"),
        ('by exact (include_str "x")', "forbidden_command"),
        ('by exact "/-" ; run_tac x -- -/', "forbidden_command"),
        ("by simp\nmacro_rules | x => y", "forbidden_command"),
        ("by simp\nunsafe def f := 1", "forbidden_command"),
        ("by simp\ndsimproc_decl f (_) := fun _ => pure", "forbidden_command"),
        ("by simp\nend", "unsupported_command"),
        ("by simp\nlemma y : True := trivial", "unsupported_command"),
        ("by simp\n@[simp] theorem z : True := trivial", "unsupported_command"),
    ],
)
def test_what_is_refused_before_it_runs(proof: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        body_start(proof, STATEMENT)
    assert refused.value.reason == reason


@pytest.mark.load
@pytest.mark.parametrize("unit", ["/-", "-/", "--", '"', "theorem ", "x", ":", "x.", "#", "theorem x ", " "])
def test_time_is_linear_in_the_text(unit: str) -> None:
    def run(text: str) -> None:
        for read in (text, f"theorem {text}", f"theorem x : {text}"):
            try:
                body_start(read, STATEMENT)
            except Refused:
                continue

    assert_linear(run, unit * (3_200 // len(unit)), unit * (32_000 // len(unit)))


def test_lean_is_found_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lean(tmp_path)
    monkeypatch.setenv("LEAN", str(tmp_path / "bin" / "lean"))
    monkeypatch.setenv("LEAN_PATH", f"{tmp_path}:/no/such/folder")
    found = find_lean.__wrapped__()
    program = os.path.join(tmp_path, "bin", "lean")
    assert found == Installed((("LEAN", program), ("LEAN_PATH", str(tmp_path))), (str(tmp_path), str(tmp_path)))
    monkeypatch.setenv("LEAN", str(tmp_path / "no_lean"))
    assert find_lean.__wrapped__() is None


def test_through_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lean(tmp_path)
    monkeypatch.setattr(bubblewrap, "available", lambda: False)  # inside, this test's folder is not to be seen
    found = Installed((("LEAN", str(tmp_path / "bin" / "lean")),))
    prover = ProcessProver(name="lean", server=PROVERS["lean"].server, find=lambda: found)
    assert prover.prove(Request(statement=STATEMENT, proof="by simp")).ok
    wrong = prover.prove(Request(statement=STATEMENT, proof="by exact nothing"))
    assert json.loads(json.dumps(wrong.to_json()))["errors"] == [
        {"part": "proof", "line": 1, "column": 10, "message": "unknown identifier 'nothing'"}
    ]


@pytest.mark.load
def test_what_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filters.provers.lean_server.IMPORT_SECONDS", 0.2)
    assert lean(tmp_path).prove(Request(statement=STATEMENT, proof="by forever", seconds=0.1)).reason == "timeout"
