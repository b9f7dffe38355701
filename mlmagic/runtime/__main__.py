"""`python -I .../mlmagic/runtime/__main__.py JOB_FOLDER`: the supervisor, as a process that is nobody's child.

Run by its path, so that it works whatever the folder and PYTHONPATH are.
"""

import os
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
    from pathlib import Path

    from mlmagic.runtime.program import ColdLauncher
    from mlmagic.runtime.supervisor import supervise
    from mlmagic.workspace.layout import JobFolder

    supervise(JobFolder(Path(sys.argv[1])), launcher=ColdLauncher(), environment=os.environ)
