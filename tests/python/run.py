"""Runs a test program with the interpreter that runs this: duet, too, is to choose it.

run.py PROGRAM [ARGUMENT...]
"""

import os
import sys

# A folder with just this interpreter in front of PATH, as an activated environment would have it;
# bin/ of the installation may hold other programs that the test must not see differently.
folder = os.path.join(os.path.realpath(os.path.dirname(os.environ["DUET"])), "..", "tests",
                      "python%d.%d" % sys.version_info[:2])
environment = dict(os.environ, PATH=folder + os.pathsep + os.environ["PATH"])
environment.pop("VIRTUAL_ENV", None)
if sys.prefix != sys.base_prefix:  # run by a virtual environment's: then duet uses that
    interpreter = sys.executable
    environment["VIRTUAL_ENV"] = sys.prefix
else:
    interpreter = os.path.realpath(sys.executable)
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, "python3")
    if not os.path.islink(link) or os.readlink(link) != interpreter:
        temporary = f"{link}.{os.getpid()}"
        os.symlink(interpreter, temporary)
        os.replace(temporary, link)
environment["DUET_PYTHON"] = interpreter
os.execve(interpreter, [interpreter, *sys.argv[1:]], environment)
