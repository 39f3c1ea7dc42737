"""The system calls that a test may make, as a filter that the kernel runs: an allow-list, because new calls come with every kernel.

A deny-list must know each way to a new process, a socket, another process's memory (`io_uring` is four of them in one), and is open
again with the next kernel.  CPython and libc need about a hundred calls, and that changes seldom; one that is missing fails with
EPERM, which a right program shows at once.
"""

import base64
import errno
import functools
import os
import tempfile

# Calls that reach only the process itself, what it holds open, or what the file tree lets it read.
_ALLOWED = """
brk mmap munmap mprotect mremap madvise mincore membarrier
read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 sendfile copy_file_range
close close_range lseek dup dup2 dup3 pipe pipe2 flock fsync fdatasync fadvise64
stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat statfs fstatfs
getcwd chdir fchdir getdents getdents64 umask
select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
recvfrom shutdown getsockopt setsockopt
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getitimer setitimer alarm
futex set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity getcpu arch_prctl
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack pause restart_syscall
getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
uname sysinfo getrusage getrlimit getpriority getrandom wait4 waitid exit exit_group
""".split()

# Calls that change the file tree: of use only where there is a scratch folder, and only it is writable.
_WRITING = """
open openat creat ftruncate truncate fallocate mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 chmod fchmod utimensat
""".split()

_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020080  # CLONE_NEWNS, NEWTIME, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY
_FCNTL = (0, 1, 2, 3, 4, 1030)  # DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC; not SETOWN: the kernel would signal others
_IOCTL = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS (is it a terminal?), FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_PR_SET_NAME = 15
_AF_UNIX, _SOCK_STREAM, _SOCK_FLAGS = 1, 1, 0o2004000  # a pair of streams, which reaches nobody: asyncio wakes itself with it


@functools.cache
def filter_program(*, writable: bool) -> str | None:
    """Return the filter as base64 of the kernel's instructions, None where libseccomp is not installed.

    What is not allowed fails with EPERM, and calls of a foreign architecture kill.  `writable`: files may be made and opened for
    writing, where the file tree allows it.
    """
    try:
        import pyseccomp as libseccomp
    except (ImportError, RuntimeError):  # it raises RuntimeError without the library
        return None
    rules = libseccomp.SyscallFilter(libseccomp.ERRNO(errno.EPERM))
    allow, equal, masked = libseccomp.ALLOW, libseccomp.EQ, libseccomp.MASKED_EQ

    def add(name: str, *conditions: tuple[int, int, int, int]) -> None:
        if libseccomp.resolve_syscall(libseccomp.Arch.NATIVE, name) != -1:  # unknown to this architecture or an old library
            rules.add_rule(allow, name, *(libseccomp.Arg(*condition) for condition in conditions))

    for name in (*_ALLOWED, *(_WRITING if writable else ())):
        add(name)
    if not writable:
        add("open", (1, masked, _WRITE_FLAGS, 0))
        add("openat", (2, masked, _WRITE_FLAGS, 0))
    add("clone", (0, masked, _CLONE_THREAD | _CLONE_NAMESPACES, _CLONE_THREAD))  # threads, no processes
    rules.add_rule(libseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags are behind a pointer; libc falls back to clone
    add("prlimit64", (0, equal, 0, 0))  # its own limits, not the referee's
    add("prctl", (0, equal, _PR_SET_NAME, 0))
    add("socketpair", (0, equal, _AF_UNIX, 0), (1, masked, ~_SOCK_FLAGS & 0xFFFFFFFF, _SOCK_STREAM))
    add("sendto", (4, equal, 0, 0))  # to no address
    for number in _FCNTL:
        add("fcntl", (1, equal, number, 0))
    for number in _IOCTL:
        add("ioctl", (1, equal, number, 0))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return base64.b64encode(file.read()).decode()
