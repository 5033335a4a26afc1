"""The set-up reads Debian's mirror from a machine's own apt sources, in both of apt's formats."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FETCH = Path(__file__).parents[3] / "third_party" / "fetch_debian.sh"


class Mirrors(unittest.TestCase):
    def mirrors(self, files):
        with tempfile.TemporaryDirectory() as etc:
            Path(etc, "sources.list.d").mkdir()
            for name, text in files.items():
                Path(etc, name).write_text(text)
            config = Path(etc, "apt.conf")
            config.write_text(f'Dir::Etc "{etc}";\n')
            answer = subprocess.run(["bash", FETCH, "--print-mirrors"], capture_output=True, text=True,
                                    env={**os.environ, "APT_CONFIG": str(config)})
            self.assertEqual(answer.returncode, 0, answer.stderr)
            return answer.stdout.split()

    def test_one_line_format(self):
        self.assertEqual(self.mirrors({"sources.list": """
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/x.gpg] http://mirror.example/debian bookworm main contrib # near
deb-src http://source.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb cdrom:[Debian]/ bookworm main
"""}), ["http://mirror.example/debian"])

    def test_deb822_format(self):
        self.assertEqual(self.mirrors({"sources.list.d/debian.sources": """\
Types: deb deb-src
# a comment inside
URIs: https://one.example/debian
 https://two.example/debian
Suites: trixie trixie-updates
Components: main

Types: deb
URIs: https://security.example/debian-security
Suites: trixie-security
Components: main

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: trixie
Components: main
"""}), ["https://one.example/debian", "https://two.example/debian"])

    def test_repositories_of_others_are_left_alone(self):
        self.assertEqual(self.mirrors({
            "sources.list.d/docker.list": "deb https://docker.example/linux/debian bookworm stable\n",
            "sources.list.d/node.sources": "Types: deb\nURIs: https://node.example/\nSuites: nodistro\n"
                                           "Components: main\n",
        }), [])

    def test_no_sources_at_all(self):
        self.assertEqual(self.mirrors({}), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
