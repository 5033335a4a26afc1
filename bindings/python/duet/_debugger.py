"""debugpy, opened by --debugpy. A handler that calls debugpy.listen() itself needs nothing of this."""

import sys
import threading


class DebuggerError(Exception):
    """(message, hint)"""


def trace_thread():
    """Breakpoints hit in this thread, which the host has started, once somebody is attached."""
    threading.current_thread()  # now threading knows it, and pydevd asks that
    debugger = sys.modules["pydevd"].get_global_debugger()
    if debugger is not None and debugger.is_attached():
        debugger.enable_tracing()


def listen(host, port, wait):
    try:
        import debugpy
    except ImportError as error:
        raise DebuggerError(f"--debugpy needs the package debugpy: {error}",
                            f"{sys.executable} -m pip install debugpy") from None
    try:
        host, port = debugpy.listen((host, port))
    except Exception as error:
        raise DebuggerError(f"debugpy cannot listen on {host}:{port}: {error}",
                            "is the port in use? --debugpy=0 takes any free one") from None
    print(f"debugpy listening on {host}:{port}", file=sys.stderr, flush=True)
    if wait:
        debugpy.wait_for_client()
