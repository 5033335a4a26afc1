"""What CMake tells the tests, by the environment; and where what they share with others is found."""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXECUTABLE = os.environ["DUET"]
ISO_CODES = os.environ["ISO_CODES"]
LOAD = os.environ.get("DUET_LOAD", "")
