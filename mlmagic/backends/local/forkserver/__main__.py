"""`python -u -P .../forkserver/__main__.py DESCRIPTOR [MODULE…]`: a fork server that imports these modules.

Run by its path, with the flags that programs are run with, by whatever interpreter the jobs have.
"""

import os
import sys

if __name__ == "__main__":
    _path = tuple(sys.path)
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow the jobs' modules.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    from mlmagic.backends.local.forkserver.copies import serve
    from mlmagic.runtime.becoming import become

    # Only a copy that is to be a program comes back, with next to nothing on its stack.
    become(serve(int(sys.argv[1]), sys.argv[2:], _path), _path)
