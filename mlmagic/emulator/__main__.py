"""`python -m mlmagic.emulator --root DIR`: the process of an emulator, in the foreground."""

import sys

from mlmagic.emulator.process import main

if __name__ == "__main__":
    sys.exit(main())
