"""`python -I .../supervisor/__main__.py WORKSPACE ENDPOINT LOCK LISTENER`: the supervisor, as nobody's child.

Run by its path, so that it works whatever the folder and PYTHONPATH are. LOCK is the descriptor of the lock by which
there is only one; LISTENER that of the listening socket, or -1.
"""

import os
import sys

if __name__ == "__main__":
    # Forked before anything is imported: whoever started this waits for the first process only.
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow the standard library.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    from mlmagic.serving.supervisor.supervision import run_supervisor

    run_supervisor(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
