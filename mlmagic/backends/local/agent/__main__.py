"""`python -I .../agent/__main__.py WORKSPACE LOCK MESSAGE`: the agent, as a process that is nobody's child.

Run by its path, so that it works whatever the folder and PYTHONPATH are. LOCK is the descriptor of the lock by which
there is only one, MESSAGE what whoever starts it has to say.
"""

import os
import sys

if __name__ == "__main__":
    # Forked before anything is imported: whoever started this waits for the first process only.
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow the standard library.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    from mlmagic.backends.local.agent.loop import run_agent

    run_agent(sys.argv[1], int(sys.argv[2]), sys.argv[3], os.environ)
