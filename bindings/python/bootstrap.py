"""What the engine sets up in the interpreter, and what it asks of Python. Part of the module.

The functions without an underscore are called from C++ by name (Engine::call_bootstrap).
"""

import os
import sys

# What the module `signal` is made of; that one would be 5 ms of a start.
import _signal
import _thread

import _duet
import duet
from duet import _django, _loader, _stream, _websocket

make_signal = _stream.Signal
make_info = _stream.Info
make_body = _stream.Body
read_body = _stream.read_body
stream = _stream.stream
make_websocket = _websocket.WebSocket
RequestEnded = _stream.RequestEnded
HandlerInterrupted = _stream.HandlerInterrupted

_PACKAGE = os.path.dirname(duet.__file__) + os.sep
_host_pid = os.getpid()


# --- errors, for people ---

# What an application of another name and other parameters does: it calls what it takes for
# start_response or send.
_CALLED = ("'Env' object is not callable", "'Context' object is not callable")


def describe(error, handler_file):
    """→ (message, where, hint, detail): one line, the handler's line, what to do, the whole stack."""
    import traceback

    summary = traceback.TracebackException(type(error), error, error.__traceback__)
    _trim(summary, set())
    detail = "".join(summary.format()).rstrip("\n")
    # A SyntaxError begins with its place, indented; notes and further lines of a message follow it.
    lines = summary.format_exception_only()
    message = next(line for line in lines if not line.startswith(" ")).partition("\n")[0]
    hint = ""
    if isinstance(error, SystemExit):
        message = f"{message}: it ends this request, not the host"
        hint = "raise an exception or return an answer instead"
    elif isinstance(error, TypeError) and str(error) in _CALLED:
        hint = ("it is served as a handler, (request, env, ctx); if it is a WSGI or ASGI application, name "
                "it `app`, or its parameters (environ, start_response) or (scope, receive, send)")
    return message, _place(error, summary, handler_file), hint, detail


def _trim(summary, seen):
    """Leaves our own frames out of a traceback and of those it came from."""
    if summary is None or id(summary) in seen:
        return
    seen.add(id(summary))
    frames = [f for f in summary.stack if not _is_ours(f.filename)]
    summary.stack[:] = frames
    _trim(summary.__cause__, seen)
    _trim(summary.__context__, seen)
    for inner in getattr(summary, "exceptions", None) or ():
        _trim(inner, seen)


def _is_ours(file):
    return file.startswith(_PACKAGE) or file.startswith("<frozen importlib") or file == __file__


def _place(error, summary, handler_file):
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{max(error.lineno or 1, 1)}:{max(error.offset or 1, 1)}"
    own = [f for f in summary.stack if f.filename == handler_file]
    frame = own[-1] if own else (summary.stack[-1] if summary.stack else None)
    if frame is None:
        return handler_file
    column = getattr(frame, "colno", None)
    place = f"{frame.filename}:{frame.lineno}"
    return place if column is None else f"{place}:{column + 1}"


def load(name, source, root, env, blocking, interface):
    """→ (True, loaded) or (False, (message, where, hint, detail))"""
    try:
        return True, _loader.load(name, source, root, env, blocking, interface)
    except (_loader.LoadError, _django.Conflict) as error:
        return False, (*error.args, "")
    except SystemExit as error:
        _, where, _, detail = describe(error, source)
        return False, (f"it calls sys.exit({error.code!r}) when imported", where, "", detail)
    except BaseException as error:
        message, where, hint, detail = describe(error, source)
        if isinstance(error, ModuleNotFoundError) and error.name:
            hint = f"install it for {sys.executable}, or start duet in the environment that has it"
        from duet import _python_needed

        hint = _python_needed.hint(error, root) or hint
        return False, (message, where, hint, detail)


def open_debugger(host, port, wait):
    """→ None, or (message, hint)"""
    from duet import _debugger

    try:
        _debugger.listen(host, port, wait)
    except _debugger.DebuggerError as error:
        return error.args


def trace_thread():
    from duet import _debugger

    _debugger.trace_thread()


# --- ASGI; its module is imported with the first application ---


def receive_later(request):
    return sys.modules["duet._asgi"].receive_later(request)


def wait_for_room(request):
    return sys.modules["duet._asgi"].wait_for_room(request)


def send_path(send, path, most):
    return sys.modules["duet._asgi"].send_path(send, path, most)


def asgi_websocket(request, name, receive, send):
    from duet._asgi_websocket import AsgiWebSocket

    return AsgiWebSocket(request, name, receive, send)


def start_lifespan(application, name, state, ended):
    from duet import _asgi

    _asgi.start_lifespan(application, name, state, ended)


def stop_lifespans(done):
    asgi = sys.modules.get("duet._asgi")
    if asgi is None:
        done()
    else:
        asgi.stop_lifespans(done)


def route_text(scope, route, application):
    from duet import _frameworks

    return _frameworks.route_text(scope, route, application)


# --- WSGI ---


def wsgi_environ():
    from duet import _wsgi

    global run_wsgi
    run_wsgi = _wsgi.run
    return _wsgi.environ()


# --- the process is the host's ---


def _guard_exit():
    """os._exit would end every handler. In a child that somebody forked it must work."""
    real_exit = os._exit

    def _exit(status):
        if os.getpid() == _host_pid:
            raise SystemExit(status)
        real_exit(status)

    os._exit = _exit
    real_kill, real_killpg, real_abort = os.kill, os.killpg, os.abort

    def kill(pid, signalnum):
        if pid in (os.getpid(), 0, -os.getpgrp()):
            _refuse_deadly("os.kill", signalnum)
        real_kill(pid, signalnum)

    def killpg(pgid, signalnum):
        if pgid in (0, os.getpgrp()):
            _refuse_deadly("os.killpg", signalnum)
        real_killpg(pgid, signalnum)

    def abort():
        if os.getpid() == _host_pid:
            raise SystemExit("os.abort() was called")
        real_abort()

    os.kill, os.killpg, os.abort = kill, killpg, abort


def _refuse_deadly(function, signalnum):
    """A signal that nobody handles would end every handler, or stop them."""
    harmless = (0, _signal.SIGCHLD, _signal.SIGCONT, _signal.SIGURG, _signal.SIGWINCH)
    if os.getpid() != _host_pid or signalnum in harmless:
        return
    name = _signal_names.get(signalnum)  # none: the call itself says what is wrong
    if name is not None and not _is_handled(signalnum):
        raise SystemExit(f"{function} sends {name}, which nobody handles")


_signal_names = {
    number: name
    for name, number in vars(_signal).items()
    if name.startswith("SIG") and not name.startswith("SIG_")
}


def _is_handled(signalnum):
    """By anybody: Node and libuv have handlers that the module `signal` does not know."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
        masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigCgt", "SigIgn"))]
    return any(mask >> (signalnum - 1) & 1 for mask in masks)


def _guard_signals():
    _ImportHook("signal", _replace_signal_functions)
    # The watchdog's way into Python code that does not let go: also out of a blocking call.
    _signal.signal(_signal.SIGURG, _interrupt)


def _replace_signal_functions(signal):
    """SIGINT and SIGTERM stop the host; user code's handlers for them run before it does."""
    real_signal = signal.signal
    real_raise = signal.raise_signal
    real_alarm, real_setitimer = signal.alarm, signal.setitimer
    of_timers = {
        signal.ITIMER_REAL: signal.SIGALRM,
        signal.ITIMER_VIRTUAL: signal.SIGVTALRM,
        signal.ITIMER_PROF: signal.SIGPROF,
    }
    real_getsignal = signal.getsignal

    def set_any(signalnum, handler):
        previous = real_signal(signalnum, handler)
        if callable(handler):
            _duet.wake_on_signal(signalnum)
        return previous

    def set_handler(signalnum, handler):
        if os.getpid() != _host_pid or signalnum not in (signal.SIGINT, signal.SIGTERM):
            return set_any(signalnum, handler)
        previous = exit_handlers.get(signalnum, signal.SIG_DFL)
        exit_handlers[signalnum] = handler
        return previous

    def get_handler(signalnum):
        if os.getpid() == _host_pid and signalnum in exit_handlers:
            return exit_handlers[signalnum]
        return real_getsignal(signalnum)

    def raise_signal(signalnum):
        _refuse_deadly("signal.raise_signal", signalnum)
        real_raise(signalnum)

    def alarm(seconds):
        if seconds != 0:  # which takes it back
            _refuse_deadly("signal.alarm", signal.SIGALRM)
        return real_alarm(seconds)

    def setitimer(which, seconds, interval=0.0):
        if seconds != 0 and which in of_timers:
            _refuse_deadly("signal.setitimer", of_timers[which])
        return real_setitimer(which, seconds, interval)

    set_handler.original = set_any
    signal.raise_signal = raise_signal
    signal.alarm = alarm
    signal.setitimer = setitimer
    signal.signal = set_handler
    signal.getsignal = get_handler


exit_handlers = {}


def _interrupt(signalnum, frame):
    if _duet.interrupt_is_due():
        raise_interrupt()


def nothing():
    """Called for what CPython raises in between."""


def raise_interrupt():
    raise HandlerInterrupted("the host needs the loop, which this code did not let go of")


# A signal for a child that still has the host's handlers would be taken for the host's own: libuv's
# handler writes into a pipe that both have. So none is let in before they are gone.
_EXIT_SIGNALS = (_signal.SIGINT, _signal.SIGTERM)
_masks = {}  # of threads that are forking; two may be at it


def _before_fork():
    _masks[_thread.get_ident()] = _signal.pthread_sigmask(_signal.SIG_BLOCK, _EXIT_SIGNALS)


def _after_fork_in_parent():
    _signal.pthread_sigmask(_signal.SIG_SETMASK, _masks.pop(_thread.get_ident()))


def _after_fork_in_child():
    _duet.forked()
    defaults = {_signal.SIGINT: _signal.default_int_handler, _signal.SIGTERM: _signal.SIG_DFL}
    for number in _EXIT_SIGNALS:
        _signal.signal(number, exit_handlers.get(number) or defaults[number])
    _signal.pthread_sigmask(_signal.SIG_SETMASK, _masks.pop(_thread.get_ident()))
    _masks.clear()
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        asyncio.events._set_running_loop(None)
        sys.set_asyncgen_hooks(None, None)


# --- asyncio, when somebody needs it ---


class _ImportHook:
    """Calls `then(module)` as soon as the module `name` exists, before others import it."""

    def __init__(self, name, then):
        self.name = name
        self.then = then
        module = sys.modules.get(name)
        if module is not None:  # sitecustomize has imported it
            then(module)
        else:
            sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        import importlib.util

        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            self.then(module)

        spec.loader.exec_module = exec_module
        return spec


def _count_threads(threading):
    """Threads of Python's are part of the engine's CPU time; what ends one is logged."""
    threading.excepthook = _uncaught_in_thread
    start = threading.Thread._bootstrap_inner

    def _bootstrap_inner(self):
        _duet.count_thread()
        start(self)

    threading.Thread._bootstrap_inner = _bootstrap_inner
    os.register_at_fork(after_in_child=lambda: _complete_main_thread(threading))


def _complete_main_thread(threading):
    """The thread that forked is the child's main one. One that Python did not start (of the pool, or
    the loop's) has no lock until 3.13, and threading._shutdown() insists on it at the child's end."""
    thread = threading.main_thread()
    if getattr(thread, "_tstate_lock", thread) is None and thread.is_alive():
        thread._set_tstate_lock()


def _see_anyio_threads(backend):
    """Plain `def` endpoints of Starlette and FastAPI run in AnyIO's threads: when one begins is
    known, so what lies before is `pool`."""
    kind = getattr(backend, "AsyncIOBackend", None)
    run = getattr(kind, "run_sync_in_worker_thread", None)
    if run is None:
        return

    def run_sync_in_worker_thread(cls, func, args, *rest, **options):
        return run(_duet.executor_call(func), args, *rest, **options)

    kind.run_sync_in_worker_thread = classmethod(run_sync_in_worker_thread)


def _wrap_current_task(tasks):
    original = tasks.current_task

    def current_task(loop=None):
        """Return the currently running task or None."""
        task = original(loop)
        if task is None and (loop is None or loop is _loop):
            # A handler's coroutine runs without a task until somebody asks for it.
            return _duet.current_task()
        return task

    tasks.current_task = current_task
    if "asyncio" in sys.modules:
        sys.modules["asyncio"].current_task = current_task


_loop = None
_loading = False  # a module is being imported, outside of the loop


def start_asyncio():
    """→ (loop, Future, Task, CancelledError, _enter_task, _leave_task, _current_tasks or None)"""
    global _loop
    import asyncio

    from duet._loop import Loop

    _loop = Loop()
    if not _loading:  # else what runs now may be a loop of the module's own
        enter_loop()
    tasks = asyncio.tasks
    return (
        _loop,
        asyncio.Future,
        asyncio.Task,
        asyncio.CancelledError,
        tasks._enter_task,
        tasks._leave_task,
        # The C module's: asyncio.tasks has one of its own that is not kept where this is missing.
        getattr(sys.modules.get("_asyncio"), "_current_tasks", None),
    )


def leave_loop():
    """Modules may call asyncio.run() while they are imported: no loop may be running then."""
    global _loading
    _loading = True
    if _loop is not None:
        _loop.leave()


def enter_loop():
    global _loading
    _loading = False
    if _loop is not None:
        import asyncio

        asyncio.set_event_loop(_loop)
        _loop.enter()


async def as_coroutine(awaitable):
    return await awaitable


def log_exception(message, error, context, file):
    _duet.log_exception(message, error, context, file)


def _unraisable(args):
    where = f" in {args.object!r}" if args.object is not None else ""
    message = (args.err_msg or "Exception ignored") + where
    if args.exc_value is not None:
        _duet.log_exception(message, args.exc_value, None, "")


def _uncaught_in_thread(args):
    if args.exc_type is not SystemExit:
        name = args.thread.name if args.thread is not None else "?"
        _duet.log_exception(f"thread {name} ended by an exception", args.exc_value, None, "")


# --- the end ---


def run_exit_handlers():
    """User code's handlers of SIGINT and SIGTERM, before the drain."""
    if _loop is not None:
        for callback, args in list(_loop._exit_handlers.values()):
            _loop.call_soon(callback, *args)
    for number, handler in list(exit_handlers.items()):
        if callable(handler) and handler is not _signal.default_int_handler:
            try:
                handler(number, None)
            except SystemExit:
                pass
            except BaseException as error:
                _duet.log_exception("a signal handler raised", error, None, "")


def drained():
    """True when nothing is left that wait_until promised to finish."""
    from duet._context import pending

    return not pending


def finish_asyncio(done):
    """Closes asynchronous generators; calls done() when that is through."""
    if _loop is None:
        done()
        return

    async def finish():
        await _loop.shutdown_asyncgens()

    task = _loop.create_task(finish())
    task.add_done_callback(lambda task: done())


def run_atexit():
    import atexit

    if "threading" in sys.modules:
        # Not threading._shutdown(): it joins threads that may never end.
        pass
    atexit._run_exitfuncs()


def flush():
    for file in (sys.stdout, sys.stderr):
        try:
            file.flush()
        except Exception:
            pass


def set_up():
    _guard_exit()
    _guard_signals()
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent,
                        after_in_child=_after_fork_in_child)
    sys.unraisablehook = _unraisable
    import gc

    gc.callbacks.append(_duet.on_gc)
    _ImportHook("asyncio.tasks", _wrap_current_task)
    _ImportHook("threading", _count_threads)
    # What debugpy and PyCharm stop code with; debugpy loads it when it is to listen.
    _ImportHook("pydevd", lambda pydevd: _duet.on_debugger())
    _ImportHook("anyio._backends._asyncio", _see_anyio_threads)
    for file in (sys.stdout, sys.stderr):
        # print() shows at once, also when the output is a file or a pipe.
        if hasattr(file, "reconfigure"):
            file.reconfigure(line_buffering=True)
