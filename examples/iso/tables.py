"""The ISO tables of Debian's iso-codes, read once when the handlers are loaded."""

import json
import os
from pathlib import Path

# What $ISO_CODES says, what duet's own build fetched, or the package installed system-wide.
FOLDERS = [
    os.environ.get("ISO_CODES"),
    Path(__file__).resolve().parents[2] / "build/deps/prefix/root/usr/share/iso-codes/json",
    "/usr/share/iso-codes/json",
]


def read(standard):
    for folder in FOLDERS:
        if folder and (file := Path(folder) / f"iso_{standard}.json").exists():
            return json.loads(file.read_text("utf-8"))[standard]
    raise FileNotFoundError("the ISO tables are missing: apt-get install iso-codes, or set "
                            f"ISO_CODES to the folder of iso_{standard}.json")


# name in the URL → rows, which of their columns are codes, and which are names.
TABLES = {
    "countries": {
        "rows": read("3166-1"),
        "codes": ["alpha_2", "alpha_3", "numeric"],
        "names": ["name", "common_name", "official_name"],
    },
    "languages": {
        "rows": read("639-3"),
        "codes": ["alpha_2", "alpha_3", "bibliographic"],
        "names": ["name", "common_name", "inverted_name"],
    },
    "currencies": {
        "rows": read("4217"),
        "codes": ["alpha_3", "numeric"],
        "names": ["name"],
    },
}
