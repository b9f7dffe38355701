"""Programs that print what a program can find out about how it was started, or that end in some way.

What a warm start prints must be what a cold start prints, and their ends must be the same.
"""

from __future__ import annotations

SURROUNDINGS = {
    "environment": """
        import os
        print(*sorted(os.environ.items()), sep="\\n")
        import ctypes
        print(ctypes.CDLL(None).getenv(b"MLMAGIC_TEST_RUN") != 0, ctypes.CDLL(None).getenv(b"SHOULD_NOT_BE") == 0)
    """,
    "interpreter": """
        import sys
        print(sys.argv, sys.orig_argv, sys.flags, sys.executable, sys.prefix, sys.warnoptions, sys._xoptions)
        print(sys.path, sys.dont_write_bytecode, sys.getrecursionlimit(), sys.excepthook is sys.__excepthook__)
        print("mlmagic" in sys.modules, [name for name in sys.modules if "forkserver" in name])
    """,
    "main": """
        import sys
        print(sorted(globals()), sys.modules["__main__"].__dict__ is globals(), __name__, __file__, __package__)
        print(__spec__.name, __spec__.origin, __loader__.name, __builtins__)
    """,
    "process": """
        import os, resource
        print(os.getcwd(), os.umask(0), os.getpgid(0) == os.getpid(), os.getsid(0) == os.getppid())
        print(sorted(os.listdir("/proc/self/fd")), os.readlink("/proc/self/fd/0"), os.readlink("/proc/self/fd/2"))
        print(os.nice(0), os.sched_getaffinity(0), resource.getrlimit(resource.RLIMIT_CORE))
        print(*(open(f"/proc/self/{name}").read() for name in ("comm", "oom_score_adj")), os.get_inheritable(1))
    """,
    "streams": """
        import sys
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            print(stream, stream.errors, stream.line_buffering, stream.isatty(), stream.fileno(), stream.seekable())
        print(type(sys.stdout.buffer), sys.stdout.write_through, repr(sys.stdin.read()), sys.stdout is sys.__stdout__)
        sys.stdout.write("no end of line")
        sys.stderr.write(" and at once the other")
    """,
    "signals": """
        import signal, threading
        print({int(number): str(signal.getsignal(number)).partition(" at ")[0] for number in signal.valid_signals()})
        print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.set_wakeup_fd(-1), signal.getitimer(0))
        status = [line.split() for line in open("/proc/self/status") if line.startswith(("Sig", "Shd"))]
        # The C library's own signals are none of Python's.
        print([(words[0], words[1][-8:]) for words in status])
        print(threading.current_thread() is threading.main_thread(), threading.active_count())
        print(threading.main_thread().native_id == threading.get_native_id())
    """,
    "state": """
        import gc, locale, logging, numpy, random, tempfile, time, warnings
        print(gc.isenabled(), gc.get_threshold(), locale.setlocale(locale.LC_ALL), logging.root.handlers)
        print(time.tzname, time.localtime(0), tempfile.gettempdir(), warnings.filters)
        random.seed(1); numpy.random.seed(1)
        print(random.random(), numpy.random.rand(), numpy.random.default_rng(1).random())
    """,
    "descendants": """
        import os, pickle, subprocess, sys
        from concurrent.futures import ThreadPoolExecutor
        from multiprocessing import get_context
        from multiprocessing.pool import ThreadPool
        def double(number):
            return number * 2
        if __name__ == "__main__":
            print(pickle.loads(pickle.dumps(double))(4), ThreadPool(2).map(double, range(3)))
            with ThreadPoolExecutor(2) as threads:
                print(list(threads.map(double, range(3))))
            for method in ("fork", "spawn", "forkserver"):
                with get_context(method).Pool(1) as pool:
                    print(method, pool.map(double, range(3)))
            print(subprocess.run([sys.executable, "-c", "print(3)"], capture_output=True, text=True).stdout)
            if not (child := os.fork()):
                print("child")
                os._exit(3)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), subprocess.getoutput("echo shell"))
    """,
}

ENDS = {
    "error": "def f():\n    raise ValueError('no such column')\nf()",
    "chain": "try:\n    {}['a']\nexcept KeyError as e:\n    raise RuntimeError('b') from e",
    "group": "raise ExceptionGroup('two', [ValueError(1), TypeError(2)])",
    "noted": "e = ValueError('x')\ne.add_note('more')\nraise e",
    "syntax": "exec('a b')",
    "base": "class Stop(BaseException): pass\nraise Stop('it')",
    "import": "import nothing_of_this_name",
    "unprintable": "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E",
    "surrogates": "raise ValueError('caf\\udce9 \\N{SNOWMAN}')",
    "exit": "raise SystemExit",
    "exit none": "import sys\nsys.exit(None)",
    "exit 3": "import sys\nsys.exit(3)",
    "exit True": "import sys\nsys.exit(True)",
    "exit -1": "import sys\nsys.exit(-1)",
    "exit 256": "import sys\nsys.exit(256)",
    "exit huge": "import sys\nsys.exit(2**70)",
    "exit text": "import sys\nsys.exit('bad data')",
    "exit tuple": "import sys\nsys.exit((1, 2))",
    "exit in thread": "import threading, sys\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start(); t.join()",
    "error in thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T')\nt.start(); t.join()",
    "hook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0], a[1])\n1 / 0",
    "hook fails": "import sys\ndef hook(*a):\n    raise KeyError('h')\nsys.excepthook = hook\n1 / 0",
    "hook exits": "import sys\nsys.excepthook = lambda *a: sys.exit(5)\n1 / 0",
    "interrupt": "raise KeyboardInterrupt",
    "interrupted": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(9)",
    "interrupt handled": "try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    print('handled')",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "segfault": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "memory": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, -1))\nb = bytearray(1 << 31)",
    "os exit": "import os, atexit\natexit.register(print, 'never')\nprint('now')\nos._exit(7)",
    "atexit": "import atexit\natexit.register(print, 'first')\natexit.register(print, 'last')\nprint('main')",
    "atexit fails": "import atexit\natexit.register(lambda: 1 / 0)\natexit.register(print, 'other')",
    "atexit exits": "import atexit\ndef stop():\n    raise SystemExit(4)\natexit.register(stop)\nprint('main')",
    "atexit after error": "import atexit\natexit.register(print, 'after')\n1 / 0",
    "thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
    "daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
    "unclosed": "f = open('unclosed.txt', 'w')\nf.write('written')\nimport atexit\natexit.register(print, 'end')",
    "finalizers": (
        "import weakref\nclass A:\n    def __del__(self): print('deleted')\nclass B: pass\n"
        "a = A(); b = B(); a.self = a\nweakref.finalize(b, print, 'finalized')\nprint('main')"
    ),
    "closed stdout": "import sys\nprint('one')\nsys.stdout.close()",
    "no stdout": "import sys\nprint('one')\nsys.stdout = None\nprint('two')",
    "C output": "import ctypes\nctypes.CDLL(None).printf(b'from C\\n')",
    "warning": "import warnings\nwarnings.warn('old', DeprecationWarning)\nwarnings.warn('x', stacklevel=2)",
    "input": "input()",
    "generator": "def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\nx = g()\nnext(x)",
}
