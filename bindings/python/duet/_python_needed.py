"""Why a module cannot be imported by this Python, where that is what is wrong: a hint, for people."""

import os
import re
import sys

_VERSION = "%d.%d" % sys.version_info[:2]
# Of the standard library: the first version that has it, or the first that has it no more.
_ADDED = {"tomllib": (3, 11), "annotationlib": (3, 14), "compression": (3, 14),
          "concurrent.interpreters": (3, 14), "string.templatelib": (3, 14)}
_REMOVED = {"asynchat": (3, 12), "asyncore": (3, 12), "distutils": (3, 12), "imp": (3, 12),
            "smtpd": (3, 12), "aifc": (3, 13), "audioop": (3, 13), "cgi": (3, 13), "cgitb": (3, 13),
            "chunk": (3, 13), "crypt": (3, 13), "imghdr": (3, 13), "lib2to3": (3, 13),
            "mailcap": (3, 13), "msilib": (3, 13), "nis": (3, 13), "nntplib": (3, 13),
            "ossaudiodev": (3, 13), "pipes": (3, 13), "sndhdr": (3, 13), "spwd": (3, 13),
            "sunau": (3, 13), "telnetlib": (3, 13), "uu": (3, 13), "xdrlib": (3, 13)}
_EXTENSION = re.compile(r"\.cpython-3(\d+)[a-z]*-[^.]*\.so$")


def hint(error, root):
    """"" when nothing says that it is the version of Python."""
    here = f"this is Python {_VERSION} ({sys.executable})"
    wanted = _required(root)
    if wanted:
        return f"{here}, and {wanted}: start duet in a virtual environment of that version"
    cause = error
    while cause is not None:  # numpy raises an ImportError of its own from it
        said = _of_import(cause, here) if isinstance(cause, ImportError) and cause.name else ""
        if said:
            return said
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, SyntaxError):
        return f"{here}: is the syntax of a newer one? Then start duet in an environment of that"
    return ""


def _of_import(error, here):
    name = error.name
    built = _built_for(name)
    if built:
        file, version = built
        return (f"{here}, and {file} was built for Python {version}: install it again, "
                f"{sys.executable} -m pip install --force-reinstall {name.partition('.')[0]}")
    for table, said in ((_ADDED, "is of Python {} or later"), (_REMOVED, "went with Python {}")):
        since = table.get(name) or table.get(name.partition(".")[0])
        if since and (sys.version_info < since) == (table is _ADDED):
            return (f"{here}, and {name!r} {said.format('%d.%d' % since)}: "
                    "start duet in a virtual environment of another version")
    return ""


def _built_for(name):
    """(file, "3.12"): the extension module of that name, when all there are are for other versions."""
    *package, last = name.split(".")
    found = None
    for folder in sys.path:
        folder = os.path.join(folder or ".", *package)
        try:
            files = [file for file in os.listdir(folder) if file.startswith(last + ".")]
        except OSError:
            continue
        for file in files:
            built = _EXTENSION.search(file)
            if built is None or built[1] == str(sys.version_info[1]):
                return None
            found = os.path.join(folder, file), f"3.{built[1]}"
    return found


def _required(root):
    """What the project's pyproject.toml says that this Python is not."""
    path = os.path.join(root or ".", "pyproject.toml")
    try:
        with open(path, encoding="utf-8") as file:
            said = re.search(r"""^\s*requires-python\s*=\s*["']([^"']+)["']""", file.read(), re.M)
    except (OSError, UnicodeDecodeError):
        return ""
    if said is None or all(_holds(part.strip()) for part in said[1].split(",")):
        return ""
    return f"{path} says requires-python = {said[1]!r}"


def _holds(clause):
    parts = re.fullmatch(r"(>=|<=|==|!=|~=|>|<)\s*(\d+)(?:\.(\d+))?(\.\*|\.\d+)*", clause)
    if parts is None or parts[3] is None:
        return True  # not ours to judge
    here, there = sys.version_info[:2], (int(parts[2]), int(parts[3]))
    whole = parts[4] is None or parts[4] in (".*", ".0")  # what is compared has no patch level
    return {">=": here >= there, "~=": here >= there and here[0] == there[0],
            "<": here < there if whole else here <= there, "<=": here <= there,
            "==": here == there, "!=": here != there or not whole,
            ">": here > there if whole else here >= there}[parts[1]]
