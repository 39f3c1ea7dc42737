"""What code in the sandbox cannot do.  Each attack says through its own output what it tried and what it got."""

import ast
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filters.children import pool_of
from filters.sandbox import run, seccomp
from filters.sandbox.launch import launch

load = pytest.mark.load
TRY = """
def attempt(name, action):
    try:
        print(name, "got", action())
    except BaseException as error:
        print(name, "failed", type(error).__name__, getattr(error, "errno", None))
"""
C_LIBRARY = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    result = libc.syscall(*map(ctypes.c_long, arguments))
    return result, ctypes.get_errno()
"""


@pytest.fixture(autouse=True)
def whole_sandbox() -> None:
    if run.missing_walls():
        pytest.skip(f"the sandbox of this machine lacks walls: {run.missing_walls()}")


def said(program: str, expected: str = "ended") -> list[str]:
    """Run a program and return the lines that it wrote."""
    outcome = run.run_program([[TRY + program]], "")
    assert outcome.reason == expected
    return outcome.output.decode().splitlines()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that this process can read."""
    path = tmp_path / "secret.txt"
    path.write_text(secrets.token_hex())
    path.chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001 and folder.owner() != "root":
            folder.chmod(0o755)
    return path


# A project that itself lies below /tmp shows its folder there, with nothing in it but what is bound.
_PLACES = [Path(place).parts for place in (os.path.realpath(sys.executable), sys.base_prefix, run.__file__)]
BELOW_TMP = sorted({parts[2] for parts in _PLACES if parts[1] == "tmp"})


def test_reads_no_file_outside(secret: Path) -> None:
    assert secret.read_text() and os.path.exists("/etc/passwd")
    names = [str(secret), "/etc/passwd", "/proc/self/environ", "/proc/1/mem", __file__, "/dev/mem"]
    lines = said(f"for name in {names!r}: attempt(name, lambda: open(name).read())")
    assert lines == [f"{name} failed FileNotFoundError 2" for name in names]


def test_sees_only_the_interpreter_and_an_empty_scratch_folder() -> None:
    own = {Path(place).parts[1] for place in (os.path.realpath(sys.executable), sys.base_prefix, run.__file__)}
    program = "import os\nprint(*os.listdir('/'))\nprint(os.listdir('/tmp'), os.listdir('/dev'), os.getcwd())"
    top, rest = said(f"{program}\nprint(os.listdir({str(Path(run.__file__).parents[2])!r}))")[0:3:2]
    assert set(top.split()) <= {"dev", "lib", "lib64", "tmp", "usr"} | own
    assert said(program)[1] == f"{BELOW_TMP!r} ['null'] /tmp"
    assert rest == "['filters']"


def test_writes_no_file_outside(secret: Path) -> None:
    places = ["/x", "/usr/x", "/dev/x", os.__file__, str(Path(run.__file__).parent / "inside" / "zygote.py"), str(secret)]
    before = [Path(place).read_bytes() if Path(place).exists() else None for place in places]
    program = f"for name in {places!r}: attempt(name, lambda: open(name, 'w').write('x'))"
    lines = said(
        program + "\nattempt('/tmp/x', lambda: open('/tmp/x', 'w').write('x'))\nattempt('read', lambda: open('/tmp/x').read())"
    )
    assert [line.rsplit(" ", 3)[1] for line in lines[:-2]] == ["failed"] * len(places)
    assert lines[-2:] == ["/tmp/x got 1", "read got x"]  # its own scratch folder takes files
    assert before == [Path(place).read_bytes() if Path(place).exists() else None for place in places]


def test_what_one_run_leaves_no_other_finds() -> None:
    listing = "import os\nprint(sorted(os.listdir('/tmp')))"
    assert said(f"open('/tmp/left', 'w').close()\n{listing}") == [repr(sorted(["left", *BELOW_TMP]))]
    assert said(listing) == [repr(BELOW_TMP)]


def test_reaches_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # it is there
        families = (
            "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX): attempt(family.name, lambda: socket.socket(family))"
        )
        lines = said(f"import socket\nattempt('tcp', lambda: socket.create_connection(('127.0.0.1', {port})))\n{families}")
    assert lines == [f"{name} failed PermissionError 1" for name in ("tcp", "AF_INET", "AF_INET6", "AF_UNIX")]


def test_signals_no_other_process() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        targets = [sleeper.pid, os.getpid(), 1, 2, 3, 0, -1]
        lines = said(f"import os\nfor pid in {targets!r}: attempt(pid, lambda: os.kill(pid, 9))")
        alive = sleeper.poll() is None
        sleeper.kill()
    assert alive
    assert lines == [f"{pid} failed PermissionError 1" for pid in targets]


@load
def test_signals_nobody_by_way_of_the_kernel_or_of_limits() -> None:
    """A file can be told to signal a process when it changes, and `prlimit` changes another's limits."""
    program = "import fcntl, os\nread, write = os.pipe()\n" + C_LIBRARY
    program += "for command in (8, 10, 15): attempt(command, lambda: fcntl.fcntl(read, command, 1))\nprint(call(302, 1, 0, 0, 0))"
    assert said(program) == [*(f"{command} failed PermissionError 1" for command in (8, 10, 15)), "(-1, 1)"]


def test_sees_nothing_of_the_parents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARBEAM_TEST_SECRET", "s3cret")
    spec = launch().spec
    assert spec is not None
    pool_of(spec).close()  # so that the next sandbox starts from this environment
    lines = said("import os\nprint(sorted(os.environ))\nattempt(1, lambda: open('/proc/1/environ').read())")
    assert set(ast.literal_eval(lines[0])) <= {"PYTHONHASHSEED", "PWD", "LC_CTYPE"}
    assert lines[1] == "1 failed FileNotFoundError 2"


def test_gets_no_three_gibibytes() -> None:
    lines = said("attempt('three GiB', lambda: bytearray(3 << 30))\nattempt('64 MiB', lambda: len(bytearray(1 << 26)))")
    assert lines == ["three GiB failed MemoryError None", f"64 MiB got {1 << 26}"]


@load
def test_gets_no_memory_bit_by_bit() -> None:
    assert run.run_program([["kept = []\nwhile True: kept.append(bytearray(1 << 20))"]], "").reason == "memory"


def test_writes_no_big_file() -> None:
    program = "import os\nfile = open('/tmp/big', 'wb', buffering=0)\n"
    program += "attempt('writing', lambda: [file.write(bytes(1 << 19)) for _ in range(128)])\nprint(os.stat('/tmp/big').st_size)"
    assert said(program) == ["writing failed OSError 27", str(1 << 20)]


@load
def test_fills_no_disk_with_many_files() -> None:
    program = "import os\nnumber = 0\nwhile True:\n    os.close(os.open(f'/tmp/{number}', os.O_CREAT))\n    number += 1"
    assert run.run_program([[program]], "").reason == "too_many_files"
    program = "total = 0\nfor number in range(64):\n    try: total += open(f'/tmp/{number}', 'wb').write(bytes(1 << 20))\n"
    program += "    except OSError as error: print(error.errno, total >> 20); break"
    assert said(program) == ["28 15"] or said(program) == ["28 16"]


FORKS = "import os\nattempt('fork', os.fork)\n"


def test_forks_not_once_let_alone_two_hundred_times() -> None:
    program = "import os\nforked = 0\nfor _ in range(200):\n    try:\n        if os.fork() == 0: os._exit(0)\n        forked += 1\n"
    assert said(program + "    except OSError as error: last = error.errno\nprint(forked, last)") == ["0 1"]


@load
def test_forks_by_no_other_call() -> None:
    """On x86-64: fork, vfork, clone, clone with a new user namespace, clone3; and fork as 32-bit programs call it."""
    if os.uname().machine != "x86_64":
        pytest.skip("numbers of system calls are those of x86-64")
    calls = "print(call(57), call(58), call(56, 17, 0), call(56, 0x10000011, 0), call(56, 0x10010000, 0), call(435, 0, 0))"
    assert said(C_LIBRARY + calls) == ["(-1, 1) (-1, 1) (-1, 1) (-1, 1) (-1, 1) (-1, 38)"]
    program = C_LIBRARY + "import mmap\ncode = mmap.mmap(-1, 4096, prot=7)\ncode.write(bytes.fromhex('b802000000cd80c3'))\n"
    program += "address = ctypes.addressof(ctypes.c_char.from_buffer(code))\nprint('calling', flush=True)\n"
    assert said(program + "print(ctypes.CFUNCTYPE(ctypes.c_int)(address)())", "crashed") == ["calling"]


def names_of_processes() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/comm"):
        try:
            yield file.read_text().strip()
        except OSError:
            continue


SURVIVOR = """
import ctypes, os, time
def survive():
    if os.fork() == 0:
        os.setsid()
        ctypes.CDLL(None).prctl(15, b"{name}")
        os.closerange(0, 10)
        time.sleep(1000)
attempt("surviving", survive)
ctypes.CDLL(None).prctl(15, b"{name}main")
time.sleep(0.2)
"""


def seen_while(action: Callable[[], object]) -> set[str]:
    """Return the names of all processes of this machine that lived while `action` ran."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen.update(names_of_processes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    action()
    done.set()
    watcher.join()
    return seen


@load
def test_no_process_survives_in_a_session_of_its_own() -> None:
    name = "sv" + secrets.token_hex(4)
    lines: list[str] = []
    seen = seen_while(lambda: lines.extend(said(SURVIVOR.format(name=name))))
    assert f"{name}main" in seen  # so a survivor would be seen as well
    assert name not in seen
    assert lines == ["surviving failed PermissionError 1"]


@load
def test_even_without_the_filter_no_process_survives_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "filter_program", lambda *, writable: None)
    launch.cache_clear()
    try:
        assert run.missing_walls() == "+no_seccomp"
        name = "sv" + secrets.token_hex(4)
        assert name in seen_while(lambda: said(SURVIVOR.format(name=name)))
        until(lambda: name not in names_of_processes())
        assert run.run_tests([["def double(x): return 2 * x"]], "assert double(21) == 42").reason == "passed"
    finally:
        launch.cache_clear()


def test_executes_no_other_program() -> None:
    program = "import os, subprocess, sys\n"
    program += "print(os.access(sys.executable, os.X_OK))\nattempt('execv', lambda: os.execv(sys.executable, ['python', '-V']))\n"
    program += "attempt('spawn', lambda: os.posix_spawn(sys.executable, ['python'], {}))\n"
    program += "attempt('subprocess', lambda: subprocess.run([sys.executable, '-V']))"
    assert said(program) == ["True", *(f"{name} failed PermissionError 1" for name in ("execv", "spawn", "subprocess"))]


def test_makes_no_user_namespace() -> None:
    assert said(C_LIBRARY + "print(libc.unshare(0x10000000), ctypes.get_errno())") == ["-1 1"]


@load
@pytest.mark.parametrize(
    ("name", "number", "arguments"),
    [
        ("ptrace", 101, "16, 1, 0, 0"),
        ("process_vm_readv", 310, "1, 0, 0, 0, 0, 0"),
        ("process_vm_writev", 311, "1, 0, 0, 0, 0, 0"),
        ("mount", 165, "0, 0, 0, 0, 0"),
        ("setns", 308, "0, 0"),
        ("bpf", 321, "0, 0, 0"),
        ("keyctl", 250, "0, 0, 0"),
        ("io_uring_setup", 425, "1, 0"),
        ("memfd_create", 319, "0, 0"),
        ("pidfd_open", 434, "1, 0"),
        ("perf_event_open", 298, "0, 0, 0, 0, 0"),
        ("userfaultfd", 323, "0"),
        ("execveat", 322, "0, 0, 0, 0, 0"),
        ("tgkill", 234, "1, 1, 9"),
        ("shmget", 29, "0, 4096, 0x200"),
        ("sched_setaffinity", 203, "1, 0, 0"),
        ("a call of the next kernel", 999, "0"),
    ],
)
def test_other_ways_out_are_refused_by_the_filter(name: str, number: int, arguments: str) -> None:
    """EPERM comes from the filter: without it most of these would say EFAULT, EINVAL or ESRCH, and the last ENOSYS."""
    if os.uname().machine != "x86_64":
        pytest.skip("numbers of system calls are those of x86-64")
    assert said(C_LIBRARY + f"print({name!r}, call({number}, {arguments}))") == [f"{name} (-1, 1)"]


def test_endless_output_is_cut_and_not_held() -> None:
    started = time.monotonic()
    outcome = run.run_program([["while True: print('x' * 1000)"]], "")
    assert (outcome.status, outcome.reason, outcome.output) == ("incorrect", "output_too_long", b"")
    assert time.monotonic() - started < 60  # it is not its five seconds of computing that end it, however busy the machine
    long = run.run_program([["print('x' * 65535)"]], "")
    assert (long.reason, len(long.output)) == ("ended", run.OUTPUT_BYTES)


@load
@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "import signal\nsignal.signal(signal.SIGXCPU, lambda *_: None)\nwhile True: pass",
        "import time\ntime.sleep(1000)",
        "import os\nos.close(1)\nwhile True: pass",
        "import os, time\nos.closerange(0, 100)\ntime.sleep(1000)",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "x = 10 ** 10 ** 9",
        "import re\nre.match('(a+)+$', 'a' * 50 + 'b')",
    ],
)
def test_what_never_ends_is_ended(program: str) -> None:
    outcome = run.run_program([[program]], "")
    assert (outcome.status, outcome.reason) in {("incorrect", "timeout"), ("incorrect", "memory")}


@load
def test_many_threads_are_bounded() -> None:
    """By the limit of tasks, or before by that of memory: a thread that gets none may then never say that it has begun."""
    most = 0

    def tasks() -> int:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, tasks())

    before, done = tasks(), threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    program = "import threading\nthreading.stack_size(32768)\nevent = threading.Event()\n"
    outcome = run.run_program([[program + "while True: threading.Thread(target=event.wait).start()"]], "")
    done.set()
    watcher.join()
    assert outcome.status in ("incorrect", "error")  # "starved" where the machine has no time for it
    assert 300 < most - before < 1200


@load
def test_the_sandbox_ends_with_the_process_that_started_it() -> None:
    name = "sv" + secrets.token_hex(4)
    # It computes a fifth of the time: so it is neither idle nor at the end of its five seconds for 25.
    program = f"import ctypes, time\nctypes.CDLL(None).prctl(15, b'{name}')\nwhile True:\n    until = time.time() + 0.05\n"
    program += "    while time.time() < until: pass\n    time.sleep(0.2)"
    code = f"from filters.sandbox import run\nrun.run_program([[{program!r}]], '')"
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(run.__file__).parents[2]) as parent:
        until(lambda: name in names_of_processes())
        parent.send_signal(signal.SIGKILL)
    until(lambda: name not in names_of_processes())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10  # of the program's 25
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_same_sandbox_still_judges_right() -> None:
    assert run.run_tests([["def double(x): return 2 * x"]], "assert double(21) == 42").reason == "passed"
