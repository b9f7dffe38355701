"""`python -I .../tensorboards/__main__.py FOLDER LOCK [PACKAGES...]`: the process of a board, as nobody's child.

Run by its path, so that it works whatever the folder and PYTHONPATH are. LOCK is the descriptor of the lock by which
there is only one, PACKAGES are folders where who starts it finds TensorBoard.
"""

import os
import site
import sys

if __name__ == "__main__":
    # Forked before anything is imported: whoever started this waits for the first process only.
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow the standard library.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    # As in the kernel, before what all users share; never before the standard library.
    shared = site.getsitepackages()
    place = next((place for place, folder in enumerate(sys.path) if folder in shared), len(sys.path))
    sys.path[place:place] = [folder for folder in sys.argv[3:] if folder not in sys.path]
    from mlmagic.tensorboards.serving import run_board

    run_board(sys.argv[1], int(sys.argv[2]))
