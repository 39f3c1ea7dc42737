"""What a test may use, set in each of its processes before a line from outside runs."""

import base64
import ctypes
import io
import os
import resource
import sys

CPU_SECONDS = 5  # HumanEval's slowest canonical solution takes 0.15 s here; judges of programming contests give 1 to 10 s
REFEREE_CPU_SECONDS = 10  # more than the candidate's, so that answers without end are the candidate's fault and not the tests'
ADDRESS_BYTES = 1 << 30  # contests give 256 MiB, Python's objects take some four times those of C++
FILE_BYTES = 1 << 20  # our guess, as the next: the scratch folder itself holds 16 MiB
OPEN_FILES = 32
TASKS = 1024  # threads and processes of the user, who is the same in all sandboxes of a machine where root starts them
IDLE_WINDOW_SECONDS = 0.5
IDLE_SHARE = 0.1  # of a window: under it a test waits; one that computes gets more, unless ten others share its core
IDLE_WINDOWS = 6  # so a test may sleep three seconds in all
WALL_SECONDS = 60.0  # at `IDLE_SHARE` the candidate's computing ends before; past it the machine is at fault
REPORT_BYTES = 4 << 20  # a program's output in base64, and more
SCRATCH_FILES = 10_000  # each takes a kilobyte of the kernel's memory, which no limit of a process counts

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class SystemCalls:
    """A filter of system calls, unpacked once and installed by each test's processes."""

    def __init__(self, program: str) -> None:
        instructions = base64.b64decode(program)
        self._buffer = ctypes.create_string_buffer(instructions, len(instructions))
        self._program = _Program(len(instructions) // 8, ctypes.addressof(self._buffer))

    def install(self) -> None:
        """Hold this process to the filter from now on.  Raises OSError where the kernel refuses it."""
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(self._program))


def hide() -> None:
    """Close this process's memory and files, under `/proc`, to others of the same user."""
    _prctl(_PR_SET_DUMPABLE, 0)


def apply(system_calls: SystemCalls | None, *, writable: bool, cpu_seconds: int = CPU_SECONDS) -> None:
    """Set the limits in this process, which cannot raise them again."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))  # the second kills where the first's signal is caught
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES) if writable else (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_NPROC, (TASKS, TASKS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    if system_calls is not None:
        system_calls.install()


def drop_root() -> None:
    """Become nobody where this is root, so that limits of processes hold and root's files are closed."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


def reopen_standard_streams() -> None:
    """Let Python's standard streams begin anew on what the descriptors 0 and 1 are now."""
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")


def _prctl(option: int, *arguments: object) -> None:
    padded = [*arguments, *[ctypes.c_ulong(0)] * (4 - len(arguments))]
    if _libc.prctl(option, *padded):
        raise OSError(ctypes.get_errno(), f"prctl {option}")
