"""Runs other people's tests of event loops, by unittest, until one hangs or all are done.

NAMES=tcp,udp:socketpair picks modules and parts of names; HANG=60 are the seconds after which a test
that hangs shows its stack and ends the run; VERBOSE=2 names each test.
"""

import faulthandler
import importlib
import os
import signal
import sys
import unittest


class Result(unittest.TextTestResult):
    def startTest(self, test):
        faulthandler.dump_traceback_later(float(os.environ.get("HANG", "60")), exit=True)
        super().startTest(test)


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def own_signals():
    """Without the host's guard of SIGINT and SIGTERM, and with Python's own handler."""
    signal.signal = signal.signal.original
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(modules, prefix, wanted):
    """Runs the tests of the modules `prefix`NAME that `wanted` says yes to; ends the process."""
    names = os.environ.get("NAMES", "").split(",") if os.environ.get("NAMES") else modules
    chosen = unittest.TestSuite()
    for name in names:
        name, _, only = name.partition(":")
        try:
            module = importlib.import_module(prefix + name)
        except ModuleNotFoundError as error:
            if error.name != prefix + name:
                raise
            continue  # this version does not have it
        for case in cases(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if only in case.id() and wanted(case):
                chosen.addTest(case)
    result = unittest.TextTestRunner(verbosity=int(os.environ.get("VERBOSE", "1")),
                                     resultclass=Result).run(chosen)
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
