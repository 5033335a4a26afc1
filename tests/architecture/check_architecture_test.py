"""The architecture check finds each kind of breach, and only breaches."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECK = Path(__file__).with_name("check_architecture.py")


class ArchitectureCheck(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            answer = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True)
            return answer.returncode, answer.stdout

    def assert_breach(self, files, expected):
        code, output = self.check(files)
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)

    def test_allowed_arrows_pass_also_through_others(self):
        code, output = self.check({
            "host/base/a.h": "",
            "host/http/b.h": '#include "host/base/a.h"\n',
            "host/exchange.h": '#include "host/http/b.h"\n#include <uv.h>\n',
            "bindings/js/c.cc": '#include <node.h>\n#include "host/exchange.h"\n',
        })
        self.assertEqual(code, 0, output)

    def test_wrong_arrow(self):
        self.assert_breach({"host/http/a.h": '#include "host/loop/b.h"\n', "host/loop/b.h": ""},
                           "host/http/a.h:1: includes host/loop/b.h: no arrow leads from 'http' to 'loop'")

    def test_twins_do_not_meet(self):
        self.assert_breach({"host/a.cc": "", "bindings/js/a.cc": '#include "bindings/python/b.h"\n',
                            "bindings/python/b.h": ""}, "no arrow leads")

    def test_engine_header_below_host(self):
        self.assert_breach({"host/cli/main.cc": "#include <v8-isolate.h>\n"}, "no engine header")

    def test_sockets_in_a_pure_folder(self):
        self.assert_breach({"host/http/a.cc": "\n#include <uv.h>\n"}, "host/http/a.cc:2: includes <uv.h>")

    def test_include_cycle(self):
        self.assert_breach({"host/base/a.h": '#include "host/base/b.h"\n',
                            "host/base/b.h": '#include "host/base/a.h"\n'}, "include cycle")

    def test_dependency_on_tests(self):
        self.assert_breach({"host/base/a.h": '#include "tests/support/b.h"\n', "tests/support/b.h": ""},
                           "nothing may depend on tests")

    def test_long_file_unknown_folder_and_left_overs(self):
        self.assert_breach({"host/base/a.cc": "\n" * 601}, "601 lines, at most 600")
        self.assert_breach({"host/base/a.cc": "", "helpers/a.cc": ""}, "not one of the top-level folders")
        self.assert_breach({"host/base/a.cc": "// TO" + "DO later\n"}, "left to do later")

    def test_unknown_component(self):
        self.assert_breach({"host/utils/a.cc": ""}, "'utils' is not a component")


if __name__ == "__main__":
    unittest.main()
