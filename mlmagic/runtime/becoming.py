"""A process that was forked becomes a program, and cannot be told from one that `python -m` started.

What the process was before shows in `/proc/<pid>/cmdline`, in the seed of string hashes, and in modules that are
already imported; in nothing else that a program looks at.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import random
import runpy
import signal
import site
import sys
import threading
import time
import types
from collections.abc import Collection, Sequence
from typing import NoReturn

from mlmagic.runtime.linux import set_process_name
from mlmagic.runtime.program import ReplicaProgram
from mlmagic.workspace.files import open_to_append

# What Python itself does at its start; everything else has the system's default.
_IGNORED = ("SIGPIPE", "SIGXFSZ")


def shed() -> None:
    """Leave behind what this process, which was just forked and has one thread, was: all that needs no program."""
    default_signals()
    set_process_name(os.path.basename(sys.executable))  # noqa: PTH119 - its last part, whatever it is
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlmagic"]:
        del sys.modules[name]
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=sys.modules["builtins"], __annotations__={})
    sys.modules["__main__"] = main
    # Python 3.11 leaves the number that the process forked from has.
    threading.main_thread()._set_native_id()  # type: ignore[attr-defined]  # noqa: SLF001
    _forget_what_was_drawn()
    gc.enable()


def become(program: ReplicaProgram, path: Sequence[str]) -> NoReturn:
    """Run the program to its end in this process, which has shed what it was.

    `path` is `sys.path` as the interpreter started with it, without the package's folder. The caller's frames stay
    below the program's, so it is best called where there are none.
    """
    try:
        os.chdir(program.cwd)
        _redirect(program)
        _replace_environment(program)
        sys.argv = ["-m", *program.args]
        sys.orig_argv = program.command
        sys.path[:] = [str(program.package_dir), *path]
        site.removeduppaths()
        _hide_own_frames()
    except BaseException:  # noqa: BLE001 - nothing of the process that this was may go on
        _die_loudly()
    known = set(sys.modules)
    status, interrupted = _run(program.module)
    _end(status, known, interrupted=interrupted)


def default_signals() -> None:
    """Handle and block signals as Python does when it starts; those that came meanwhile have their effect now."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        # The C library keeps a few for itself.
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def close_descriptors(keep: Collection[int] = ()) -> None:
    """Close all that was inherited, but for the standard streams and what is to be kept."""
    kept = sorted({0, 1, 2, *keep})
    for lower, upper in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(lower + 1, upper)


def redirect(output: int) -> None:
    """Read from nothing, and write standard output and standard error to a descriptor, which stays open."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)


def _redirect(program: ReplicaProgram) -> None:
    output = open_to_append(program.log)
    redirect(output)
    close_descriptors()


def _replace_environment(program: ReplicaProgram) -> None:
    os.environ.clear()
    os.environ.update(program.environment)
    time.tzset()


def _hide_own_frames() -> None:
    """Keep the frames below the program's out of the stacks that TensorFlow shows with errors of its graphs."""
    stacks = sys.modules.get("tensorflow.python.util.tf_stack")
    # Private to TensorFlow: where it changes, a few more lines are shown.
    if stacks is not None and hasattr(stacks, "StackTraceFilter"):
        below: set[str] = set()
        frame: types.FrameType | None = sys._getframe()  # noqa: SLF001 - the only way to it
        while frame is not None:
            below.add(frame.f_code.co_filename)
            frame = frame.f_back
        hidden = stacks.StackTraceFilter()
        hidden.get_filtered_filenames = lambda: frozenset(below)
        hidden.__enter__()


def _forget_what_was_drawn() -> None:
    """Draw anew what an interpreter draws once, and what it would look up in the environment."""
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = os.urandom(32)


def _run(module: str) -> tuple[int, bool]:
    """Return the program's exit status, and whether SIGINT is to end it."""
    failure = _failure(module)
    if failure is None:
        return 0, False
    if isinstance(failure, SystemExit):
        return _status_of(failure), False
    return _report(failure), type(failure) is KeyboardInterrupt


def _failure(module: str) -> BaseException | None:
    """Return the exception that ended the program. It is told elsewhere, where it is not the one being handled."""
    try:
        runpy._run_module_as_main(module)  # type: ignore[attr-defined]  # noqa: SLF001 - what `python -m` calls
    except BaseException as error:  # noqa: BLE001 - each is the program's
        # The first entry is this function's.
        return error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    return None


def _status_of(error: SystemExit) -> int:
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -(2**63) <= code < 2**63 else 0xFF
    with contextlib.suppress(Exception):
        print(code, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _report(error: BaseException) -> int:
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as stop:
        return _status_of(stop)
    except BaseException as failure:  # noqa: BLE001 - as Python does
        trace = failure.__traceback__ and failure.__traceback__.tb_next
        with contextlib.suppress(Exception):
            print("Error in sys.excepthook:", file=sys.stderr)  # noqa: T201
            sys.__excepthook__(type(failure), failure.with_traceback(trace), trace)
            print("\nOriginal exception was:", file=sys.stderr)  # noqa: T201
            sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def _end(status: int, known: Collection[str], *, interrupted: bool) -> NoReturn:
    """End as an interpreter does, but leave the memory to the system: freeing what is shared would first copy it."""
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads that are no daemons
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001
    status = _flush() or status
    with contextlib.suppress(BaseException):
        _clear_modules([name for name in sys.modules if name == "__main__" or name not in known])
    status = _flush() or status
    with contextlib.suppress(BaseException):
        # What C and C++ code has printed.
        ctypes.CDLL(None).fflush(None)
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status)


def _flush() -> int:
    """Flush the standard streams; Python's own status for when that fails."""
    status = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:  # noqa: BLE001 - a program may put anything there
            status = 120 if stream is sys.stdout else status
    return status


def _clear_modules(names: Collection[str]) -> None:
    """Let go of what the program's modules hold, newest first, so that files are written and finalizers run."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    modules = [sys.modules[name] for name in reversed([*names])]
    for module in modules:
        space = getattr(module, "__dict__", {})
        for is_private in (True, False):
            for key in [key for key in space if key != "__builtins__"]:
                if not is_private or (key.startswith("_") and not key.startswith("__")):
                    space[key] = None
    gc.collect()


def _die_loudly() -> NoReturn:
    import traceback

    with contextlib.suppress(BaseException):
        traceback.print_exc()
    os._exit(1)
