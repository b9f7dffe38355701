"""`python -P .../endpoint_worker/__main__.py ENDPOINT CHANNEL LISTENER`: a worker.

Run by its path, so that it is of the same mlmagic as its supervisor. ENDPOINT is the endpoint's folder, CHANNEL the
descriptor of the socket to the supervisor, LISTENER that of the listening socket.
"""

import os
import sys

if __name__ == "__main__":
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow other modules.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    from mlmagic.serving.endpoint_worker.process import run_worker

    run_worker(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
