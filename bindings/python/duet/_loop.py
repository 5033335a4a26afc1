"""The asyncio event loop on the host's own loop: no second poller, no second thread.

LoopCore (C) has callbacks, timers, descriptors and wake-ups. asyncio's selector loop has the rest:
transports, sockets, servers, subprocesses, signals, executors.
"""

import asyncio
import asyncio.events
import asyncio.format_helpers
import concurrent.futures
import functools
import selectors
import signal
import sys
import threading
import weakref

import _duet


class _NoSelector(selectors.BaseSelector):
    """Stands where asyncio keeps its selector. Nothing registers with it."""

    def register(self, fileobj, events, data=None):
        raise RuntimeError("duet's event loop has no selector")

    def unregister(self, fileobj):
        raise RuntimeError("duet's event loop has no selector")

    def select(self, timeout=None):
        raise RuntimeError("duet's event loop has no selector")

    def get_map(self):
        return {}


_EXIT_SIGNALS = (signal.SIGINT, signal.SIGTERM)


_Base = asyncio.SelectorEventLoop  # by this name: others may put something in asyncio's


class Loop(_duet.LoopCore, _Base):
    """asyncio's loop as handlers see it: running from the host's start to its end."""

    def __init__(self, own=False):
        self._own = own
        self._saved_hooks = None
        self._exit_handlers = {}
        _Base.__init__(self, _NoSelector())
        self._open(own)
        self.set_debug(self._debug)

    # --- debug mode: checks that the plain methods, in C, do not make ---

    def set_debug(self, enabled):
        super().set_debug(enabled)
        self._set_core_debug(enabled)
        for name in ("call_soon", "call_soon_threadsafe", "call_at", "call_later"):
            if enabled:
                setattr(self, name, functools.partial(self._checked, name, weakref.ref(self)))
            else:
                self.__dict__.pop(name, None)

    @staticmethod
    def _checked(name, loop, *args, **options):
        self = loop()
        timed = name in ("call_at", "call_later")
        self._check_closed()
        if name != "call_soon_threadsafe":
            self._check_thread()
        if len(args) > timed:
            self._check_callback(args[timed], name)
        return getattr(_duet.LoopCore, name)(self, *args, **options)

    def _note_source(self, handle):
        """In debug mode, of each new handle; also of methods that were kept from before it."""
        frame = sys._getframe().f_back
        if frame is not None and frame.f_code is Loop._checked.__code__:
            frame = frame.f_back
        handle._source_traceback = asyncio.format_helpers.extract_stack(frame)

    def _ran(self, handle, seconds):
        """In debug mode, after each callback."""
        if seconds >= self.slow_callback_duration:
            what = asyncio.base_events._format_handle(handle)
            asyncio.base_events.logger.warning("Executing %s took %.3f seconds", what, seconds)

    # --- made only when a signal handler wants it: an idle host has no use for the pair ---

    def _make_self_pipe(self):
        self._ssock = self._csock = None

    def _close_self_pipe(self):
        if self._ssock is not None:
            super()._close_self_pipe()

    def add_signal_handler(self, sig, callback, *args):
        self._check_closed()
        if not self._own and sig in _EXIT_SIGNALS:
            # The host stops on these, and calls the handler before it does.
            self._check_signal(sig)
            self._exit_handlers[sig] = (callback, args)
            return
        if self._ssock is None:
            _Base._make_self_pipe(self)
        super().add_signal_handler(sig, callback, *args)

    def remove_signal_handler(self, sig):
        if sig in self._exit_handlers:
            del self._exit_handlers[sig]
            return True
        return super().remove_signal_handler(sig)

    def _add_callback(self, handle):
        self.call_soon(handle._run)

    def _add_callback_signalsafe(self, handle):
        self.call_soon_threadsafe(handle._run)

    def _timer_handle_cancelled(self, handle):
        pass

    # --- running ---

    def enter(self):
        """Makes this the thread's running loop, as run_forever() does."""
        self._thread_id = threading.get_ident()
        self._saved_hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(
            firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook
        )
        asyncio.events._set_running_loop(self)

    def leave(self):
        self._thread_id = None
        asyncio.events._set_running_loop(None)
        if self._saved_hooks is not None:
            sys.set_asyncgen_hooks(*self._saved_hooks)
            self._saved_hooks = None

    def run_forever(self):
        self._check_closed()
        self._check_running()
        self._set_coroutine_origin_tracking(self._debug)
        try:
            self.enter()
            self._run()
        finally:
            self._stopping = False
            self.leave()
            self._set_coroutine_origin_tracking(False)

    def stop(self):
        if not self._own:
            raise RuntimeError("the event loop is duet's: it stops when the host does")
        self._stopping = True
        self._stop()

    def close(self):
        if not self._own:
            raise RuntimeError("the event loop is duet's: it closes when the host stops")
        super().close()
        self._close()

    def run_in_executor(self, executor, func, *args):
        threads = executor is None or isinstance(executor, concurrent.futures.ThreadPoolExecutor)
        if threads and not self._own:
            func = _duet.executor_call(func)  # tells when a thread begins with it
        return super().run_in_executor(executor, func, *args)

    def create_task(self, coro, **options):
        _duet.bind()  # a task copies the context: it must carry whose request it is
        return super().create_task(coro, **options)

    def default_exception_handler(self, context):
        if self._own:
            return super().default_exception_handler(context)
        subject = context.get("task") or context.get("future") or context.get("handle")
        message = context.get("message") or "unhandled exception in the event loop"
        exception = context.get("exception")
        _duet.log_exception(message, exception, _owner_context(subject), _code_file(subject))
        return None


def _owner_context(subject):
    try:
        return subject.get_context()  # tasks since 3.12; our handles
    except AttributeError:
        return None


def _code_file(subject):
    try:
        return subject.get_coro().cr_code.co_filename
    except AttributeError:
        return ""
