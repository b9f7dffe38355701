"""The process of a job: `python -m mlmagic.emulator.dataflow.program FOLDER`.

The pipeline's main session is loaded into this module, which therefore defines next to nothing.
"""

import sys

if __name__ == "__main__":
    from mlmagic.emulator.dataflow.main import main

    sys.exit(main(sys.argv[1:]))
