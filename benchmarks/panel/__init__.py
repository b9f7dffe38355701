"""What the panels take, in a real JupyterLab in Chromium: `python -m benchmarks.panel [PART…]`."""

import sys
from pathlib import Path

# The server, the tabs and the jobs are those of the browser tests.
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
