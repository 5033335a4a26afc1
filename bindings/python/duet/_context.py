"""ctx, the third argument of a handler."""

import _duet

# Work that the host waits for when it stops.
pending = set()


class Context:
    """One for each handler: nothing in it belongs to a single request."""

    __slots__ = ("handler",)

    def __init__(self, handler):
        self.handler = handler

    def wait_until(self, work):
        """Keeps `work` (a coroutine or another awaitable) going after the answer."""
        import asyncio
        import inspect

        if not inspect.isawaitable(work):
            raise TypeError(
                f"wait_until() takes a coroutine or another awaitable, not {type(work).__name__}"
            )
        loop = _duet.host_loop()
        if _duet.on_loop_thread():
            return _keep(asyncio.ensure_future(work, loop=loop), self.handler)
        # In a blocking handler: the thread has no loop of its own.
        return asyncio.run_coroutine_threadsafe(_kept(work, self.handler), loop)

    def __repr__(self):
        return f"<duet context of {self.handler}>"


def _keep(task, handler):
    pending.add(task)

    def done(task):
        pending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _duet.log_exception("work given to wait_until failed", task.exception(), None, handler)

    task.add_done_callback(done)
    return task


async def _kept(work, handler):
    import asyncio

    return await _keep(asyncio.ensure_future(work), handler)
