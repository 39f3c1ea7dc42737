"""The line of JSON each way, and what becomes of a prover's process that does not keep to it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.provers import PROVERS, ProofError, Prover, Reply, Request
from filters.provers.process import Installed, ProcessProver
from filters.provers.protocol import MAX_MESSAGE_CHARS, PARTS, REASONS, error_at
from filters.provers.serving import answer
from filters.sandbox import bubblewrap

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
errors = st.builds(ProofError, st.integers(1, 9), st.integers(1, 9), texts, st.sampled_from(sorted(PARTS)))
replies = st.builds(
    Reply,
    reason=st.sampled_from(sorted(REASONS)),
    errors=st.lists(errors, max_size=3).map(tuple),
    open_goals=st.lists(texts, max_size=3).map(tuple),
    assumptions=st.lists(texts, max_size=3).map(tuple),
)


@given(replies)
def test_a_reply_survives_its_line(reply: Reply) -> None:
    assert Reply.from_json(json.loads(json.dumps(reply.to_json()))) == reply


@given(st.builds(Request, statement=texts, proof=texts, header=texts, seconds=st.floats(0.1, 100)))
def test_a_request_survives_its_line(request: Request) -> None:
    assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request


def test_a_long_reply_is_cut_to_what_can_be_read_back() -> None:
    error = ProofError(1, 1, "x" * 100_000)
    reply = Reply(reason="not_proved", errors=(error,) * 100, open_goals=("\ud800" * 9999,) * 100, assumptions=("y",) * 100)
    read = Reply.from_json(json.loads(json.dumps(reply.to_json())))
    assert (len(read.errors), len(read.open_goals), len(read.assumptions)) == (16, 16, 64)
    assert read.errors[0].message == "x" * MAX_MESSAGE_CHARS


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"ok": True},
        {"ok": True, "reason": "not_proved"},
        {"ok": False, "reason": "proved"},
        {"ok": 1, "reason": "proved"},
        {"ok": True, "reason": "Proved"},
        {"ok": True, "reason": ["proved"]},
        {"ok": True, "reason": "proved", "errors": "none"},
        {"ok": True, "reason": "proved", "errors": [{}]},
        {"ok": True, "reason": "proved", "errors": [{"line": 0, "column": 1, "message": ""}]},
        {"ok": True, "reason": "proved", "errors": [{"line": True, "column": 1, "message": ""}]},
        {"ok": True, "reason": "proved", "errors": [{"line": 1, "column": 1, "message": "", "part": "end"}]},
        {"ok": True, "reason": "proved", "errors": [{"line": 1, "column": 1, "message": "", "part": []}]},
        {"ok": True, "reason": "proved", "open_goals": [1]},
        {"ok": True, "reason": "proved", "assumptions": ["x"] * 65},
        {"ok": True, "reason": "proved", "assumptions": ["x" * 5000]},
    ],
)
def test_what_is_no_reply_is_refused(line: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"reason|error|list|text"):
        Reply.from_json(line)


@pytest.mark.parametrize(
    "line",
    [b"", b"no json", b"[]", b'{"proof": 1}', b'{"seconds": "1"}', b'{"seconds": 0}', b'{"seconds": NaN}', b"[" * 100_000, b"\xff"],
)
def test_a_server_outlives_what_is_no_request(line: bytes) -> None:
    def never(request: Request) -> Reply:
        raise AssertionError(request)

    assert answer(never, line)["reason"] == "prover_failed"


def test_a_server_does_not_begin_what_is_too_long() -> None:
    def never(request: Request) -> Reply:
        raise AssertionError(request)

    long = "x" * (1 << 17)
    assert answer(never, json.dumps({"statement": long, "proof": "", "header": ""}).encode())["reason"] == "gold_unreadable"
    assert answer(never, json.dumps({"statement": "", "proof": long, "header": ""}).encode())["reason"] == "too_long"


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [("ab\ncd", 0, 1, 1), ("ab\ncd", 2, 1, 3), ("ab\ncd", 3, 2, 1), ("ab\ncd\n", 6, 3, 1), ("\u2028é", 1, 1, 2)],
)
def test_places_count_from_one(text: str, offset: int, line: int, column: int) -> None:
    assert error_at(text, offset, "") == ProofError(line, column, "")


def stand_in(folder: Path, body: str) -> ProcessProver:
    """Return a prover whose server is a script that says it is ready and then does as it likes."""
    package = folder / "stand_in"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "server.py").write_text(f"import sys\nprint('{{\"ready\": true}}', flush=True)\nsys.stdin.readline()\n{body}\n")
    found = Installed(packages=(str(package),))
    return ProcessProver(name="stand_in", server="stand_in.server", find=lambda: found, grace_seconds=0.3)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('Proved!')", "prover_failed"),
        ("print('{\"ok\": true}')", "prover_failed"),
        ('print(\'{"ok": true, "reason": "open_goals"}\')', "prover_failed"),
        ("print('x' * (8 << 20))", "prover_failed"),
        ("sys.exit(0)", "resources"),
        ("import time; time.sleep(60)", "timeout"),
        ('print(\'{"ok": true, "reason": "proved"}\')', "proved"),
    ],
)
def test_only_a_reply_of_the_protocol_proves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str) -> None:
    monkeypatch.setattr(bubblewrap, "available", lambda: False)  # the protocol is the same within and without
    assert stand_in(tmp_path, body).prove(Request(statement="", proof="", seconds=0.01)).reason == reason


def test_a_server_that_does_not_start_is_a_failure_of_ours(tmp_path: Path) -> None:
    found = Installed()
    prover = ProcessProver(name="gone", server="filters.provers.no_such_server", find=lambda: found)
    assert prover.prove(Request(statement="", proof="")).reason == "prover_failed"
    assert (
        ProcessProver(name="gone", server="", find=lambda: None).prove(Request(statement="", proof="")).reason == "prover_missing"
    )


def test_the_table_holds_provers() -> None:
    provers: dict[str, Prover] = dict(PROVERS)
    assert {name: prover.name for name, prover in provers.items()} == {"coq": "coq", "z3": "z3", "lean": "lean"}
