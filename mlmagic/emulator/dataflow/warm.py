"""A process that waits for a pipeline: `python -m mlmagic.emulator.dataflow.warm SOCKET`.

As in `program`, the pipeline's main session is loaded into this module, which therefore defines next to nothing.
"""

import sys

if __name__ == "__main__":
    from mlmagic.emulator.dataflow.standby import serve

    sys.exit(serve(sys.argv[1]))
