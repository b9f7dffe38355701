"""`python -m mlmagic.tuning FOLDER`: the study loop, as a process that a supervisor waits for."""

import sys

from mlmagic.tuning.main import main

if __name__ == "__main__":
    main(sys.argv[1:])
