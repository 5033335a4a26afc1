"""What CMake tells the tests, by the environment."""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXECUTABLE = os.environ["DUET"]
ISO_CODES = os.environ["ISO_CODES"]
LOAD = os.environ.get("DUET_LOAD", "")
