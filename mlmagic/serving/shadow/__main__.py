"""`python -P .../shadow/__main__.py CHANNEL`: a shadow. CHANNEL is the descriptor of the socket to the supervisor.

Run by its path, so that it is of the same mlmagic as its supervisor.
"""

import os
import sys

if __name__ == "__main__":
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow other modules.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    from mlmagic.serving.shadow.process import run_shadow

    run_shadow(int(sys.argv[1]))
