"""The prover's side of the protocol: a loop over lines, and the limits of the process.  Standard library only."""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable

from filters.provers.protocol import MAX_CHARS, Reply, Request


def serve(prove: Callable[[Request], Reply], memory_bytes: int) -> None:
    """Answer requests until the input ends.  This process and those it starts write no file and stay within their memory."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between the lines
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write to a file fails; it does not kill
    os.chdir("/proc" if os.path.isdir("/proc") else "/")  # where nobody can make a file
    print('{"ready": true}', file=channel, flush=True)
    for line in sys.stdin.buffer:
        print(json.dumps(answer(prove, line), ensure_ascii=False), file=channel, flush=True)


def answer(prove: Callable[[Request], Reply], line: bytes) -> dict[str, object]:
    """Return the reply to one line, as an object with the request's number; what is no request or too long is not begun."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict):
            raise ValueError("a request is an object")
        request = Request.from_json(fields)
    except (ValueError, RecursionError):
        return Reply(reason="prover_failed").to_json()
    if max(map(len, (request.header, request.statement))) > MAX_CHARS:
        reply = Reply(reason="gold_unreadable")
    elif len(request.proof) > MAX_CHARS:
        reply = Reply(reason="too_long")
    else:
        reply = prove(request)
    return reply.to_json() | {"request_id": fields.get("request_id")}
