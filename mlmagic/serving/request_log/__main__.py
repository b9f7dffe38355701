"""`python -I .../request_log/__main__.py FOLDER`: turns the journals that nobody writes any more into Parquet."""

import os
import sys

if __name__ == "__main__":
    # First only for as long as it takes to find this very mlmagic: its neighbours must not shadow other modules.
    sys.path.insert(0, os.path.abspath(os.path.join(__file__, "..", "..", "..", "..")))  # noqa: PTH100, PTH118
    import mlmagic  # noqa: F401

    del sys.path[0]
    from pathlib import Path

    from mlmagic.serving.request_log.convert import convert_journals

    # Requests come first.
    os.nice(10)
    folder = Path(sys.argv[1])
    try:
        convert_journals(folder)
    except FileNotFoundError:
        # Unless the endpoint was deleted meanwhile.
        if folder.exists():
            raise
