"""Asynchronous handlers: /<case> runs the function case_<case>."""

import asyncio
import contextvars
import os
import socket
import sys
import time

import duet

variable = contextvars.ContextVar("variable", default="unset")
events = {}
notes = []


async def case_hello(request, ctx):
    return "hello"


async def case_sleep(request, ctx):
    start = time.monotonic()
    await asyncio.sleep(0.02)
    return {"slept": time.monotonic() - start}


async def case_sleep0(request, ctx):
    for _ in range(5):
        await asyncio.sleep(0)
    return "through"


async def case_running(request, ctx):
    loop = asyncio.get_running_loop()
    return {"same": loop is asyncio.get_event_loop(), "running": loop.is_running(),
            "kind": type(loop).__name__, "selector": isinstance(loop, asyncio.SelectorEventLoop)}


async def case_task(request, ctx):
    before = asyncio.current_task()
    await asyncio.sleep(0)
    between = asyncio.current_task()
    await asyncio.sleep(0.001)
    return {"task": before is not None, "same": before is between is asyncio.current_task(),
            "listed": before in asyncio.all_tasks()}


async def case_late_task(request, ctx):
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    before = asyncio.current_task()
    await asyncio.sleep(0.001)
    return {"task": before is not None, "same": before is asyncio.current_task()}


async def case_no_task(request, ctx):
    # Nobody asked for a task, so none was made.
    await asyncio.sleep(0.001)
    coroutines = [t.get_coro().__qualname__ for t in asyncio.all_tasks()]
    return {"made": "case_no_task" in coroutines or "fetch" in coroutines}


async def case_timeout(request, ctx):
    if not hasattr(asyncio, "timeout"):
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.01)
        except asyncio.TimeoutError:
            return "timed out"
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        return "timed out"


async def case_timeout_not(request, ctx):
    if not hasattr(asyncio, "timeout"):
        return await asyncio.wait_for(asyncio.sleep(0.001, "in time"), 5)
    async with asyncio.timeout(5):
        await asyncio.sleep(0.001)
    return "in time"


async def case_wait_for(request, ctx):
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except asyncio.TimeoutError:
        return "timed out"


async def case_group(request, ctx):
    async def double(n):
        await asyncio.sleep(0.001)
        return 2 * n

    if not hasattr(asyncio, "TaskGroup"):
        return {"sum": sum(await asyncio.gather(*(double(n) for n in range(4))))}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(double(n)) for n in range(4)]
    return {"sum": sum(task.result() for task in tasks)}


async def case_group_failure(request, ctx):
    async def fail():
        await asyncio.sleep(0.001)
        raise ValueError("inner")

    if not hasattr(asyncio, "TaskGroup"):
        return "ValueError"
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(60))
            group.create_task(fail())
    except BaseExceptionGroup as error:
        return type(error.exceptions[0]).__name__


async def case_gather(request, ctx):
    values = await asyncio.gather(asyncio.sleep(0.002, 1), asyncio.sleep(0.001, 2))
    return {"values": values}


async def case_shield(request, ctx):
    inner = asyncio.ensure_future(asyncio.sleep(0.01, "kept"))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 0.001)
    except asyncio.TimeoutError:
        pass
    return await inner


async def case_cancel_self(request, ctx):
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        if hasattr(asyncio.current_task(), "uncancel"):
            asyncio.current_task().uncancel()
    await asyncio.sleep(0.001)
    return "cancelled and on"


async def case_cancel_child(request, ctx):
    async def child():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            notes.append("child cancelled")
            raise

    task = asyncio.create_task(child())
    await asyncio.sleep(0)
    asyncio.current_task().cancel()
    try:
        await task
    except asyncio.CancelledError:
        return {"child": task.cancelled(), "noted": "child cancelled" in notes}


async def case_bad_await(request, ctx):
    class Bad:
        def __await__(self):
            yield "nonsense"

    try:
        await Bad()
    except RuntimeError as error:
        return str(error)


async def case_to_thread(request, ctx):
    variable.set("of the request")
    name = await asyncio.to_thread(lambda: (os.getpid(), variable.get()))
    return {"same_process": name[0] == os.getpid(), "variable": name[1]}


async def case_subprocess(request, ctx):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import sys; print(sys.stdin.read().upper()); sys.exit(3)",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate(b"quiet")
    return {"out": out.decode().strip(), "code": process.returncode}


async def case_streams(request, ctx):
    async def echo(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(b"to and fro\n")
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    return line


async def case_refused(request, ctx):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    try:
        await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return type(error).__name__


async def case_add_reader(request, ctx):
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    left.setblocking(False)
    got = loop.create_future()
    loop.add_reader(left, lambda: got.done() or got.set_result(left.recv(10)))
    right.send(b"ready")
    value = await got
    removed = loop.remove_reader(left), loop.remove_reader(left)
    left.close(), right.close()
    return {"value": value.decode(), "removed": list(removed)}


async def case_closed_reader(request, ctx):
    """Descriptors that are closed, or are another file's by now, when the loop waits next."""
    import os
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    fd = left.fileno()
    loop.add_reader(fd, int)
    left.close()
    await asyncio.sleep(0.001)
    removed = [loop.remove_reader(fd)]

    left = socket.socket(fileno=os.dup2(right.fileno(), fd))
    loop.add_reader(fd, int)
    with open(os.devnull) as file:
        os.dup2(file.fileno(), fd)
    await asyncio.sleep(0.001)
    removed.append(loop.remove_reader(fd))
    left.close(), right.close()
    return {"removed": removed}


async def case_closed_socket(request, ctx):
    """By the socket itself, which no longer knows its number when it has been closed."""
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    loop.add_reader(left, int)
    loop.add_writer(left, int)
    left.close(), right.close()
    removed = [loop.remove_reader(left), loop.remove_writer(left)]
    try:
        loop.remove_reader(left)
    except ValueError as error:
        removed.append(str(error).partition(":")[0])
    return {"removed": removed}


async def case_threadsafe(request, ctx):
    import threading
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    threading.Thread(target=lambda: loop.call_soon_threadsafe(future.set_result, "woken")).start()
    return await future


async def case_context(request, ctx):
    seen = variable.get()
    token = variable.set(request.query["as"])
    await asyncio.sleep(0.005)
    mine = variable.get()
    asyncio.current_task()
    await asyncio.sleep(0.001)
    variable.reset(token)
    return {"seen": seen, "mine": mine, "after": variable.get()}


async def case_wait(request, ctx):
    event = events.setdefault(request.query["name"], asyncio.Event())
    await event.wait()
    return "released"


async def case_release(request, ctx):
    events.setdefault(request.query["name"], asyncio.Event()).set()
    return "done"


async def case_body(request, ctx):
    return {"text": await request.text(), "again": len(await request.bytes())}


async def case_late_body(request, ctx):
    try:
        await request.text()
    except duet.RequestEnded:
        await asyncio.sleep(0.001)
    return await request.text()


async def case_json(request, ctx):
    return await request.json()


async def case_pieces(request, ctx):
    total = count = 0
    async for piece in request.body:
        total += len(piece)
        count += 1
    return {"total": total, "several": count > 1}


async def case_stream(request, ctx):
    async def pieces():
        for n in range(5):
            yield f"{n}\n"
            await asyncio.sleep(0.001)

    return duet.Response(pieces(), headers={"content-type": "text/plain"})


async def case_flood(request, ctx):
    async def pieces():
        try:
            for _ in range(int(request.query["pieces"])):
                notes.append("piece")
                yield b"x" * 65536
        finally:
            notes.append("closed")

    del notes[:]
    return duet.Response(pieces())


async def case_notes(request, ctx):
    return {"notes": len(notes), "last": notes[-1] if notes else None}


async def case_broken_stream(request, ctx):
    async def pieces():
        yield "begun"
        await asyncio.sleep(0.005)
        raise ValueError("in the middle")

    return duet.Response(pieces())


async def case_generator(request, ctx):
    async def pieces():
        yield b"as it is"

    return pieces()


async def case_raise(request, ctx):
    await asyncio.sleep(0)
    raise KeyError("after a suspension")


async def case_exit(request, ctx):
    await asyncio.sleep(0)
    sys.exit(7)


async def case_stray(request, ctx):
    async def fail():
        raise ValueError("nobody awaits me")

    asyncio.create_task(fail())
    await asyncio.sleep(0.001)
    import gc
    gc.collect()
    return "gone on"


async def case_stray_exit(request, ctx):
    async def leave():
        sys.exit(1)

    task = asyncio.create_task(leave())
    await asyncio.sleep(0.005)
    return type(task.exception()).__name__


async def case_callback_exit(request, ctx):
    by = request.query["by"]
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    left, right = socket.socketpair()
    with left, right:
        if by == "timer":
            loop.call_later(0.001, sys.exit, by)
        elif by == "reader":
            loop.add_reader(left, lambda: loop.remove_reader(left) and sys.exit(by))
            right.send(b"x")
        elif by == "future":
            future.add_done_callback(lambda _: sys.exit(by))
            future.set_result(None)
        else:
            loop.call_soon(sys.exit, by)
        await asyncio.sleep(10)


async def case_exit_afterwards(request, ctx):
    asyncio.get_running_loop().call_later(0.02, sys.exit, "afterwards")
    return "answered"


async def case_callback_raises(request, ctx):
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.001)
    return "gone on"


async def case_debug(request, ctx):
    """In debug mode a callback that fails says who asked for it; otherwise it does not."""
    loop = asyncio.get_running_loop()
    told = []
    early = loop.call_soon
    loop.set_exception_handler(lambda loop, context: told.append(context))
    try:
        loop.set_debug(True)
        loop.call_soon(lambda: 1 / 0)
        early(lambda: 1 / 0)
        loop.call_later(0, lambda: 1 / 0)
        kept = loop.call_soon
        loop.set_debug(False)
        loop.call_soon(lambda: 1 / 0)
        kept(lambda: 1 / 0)
        while len(told) < 5:
            await asyncio.sleep(0.001)
    finally:
        loop.set_debug(False)
        loop.set_exception_handler(None)
    return [context["source_traceback"][-1].name if "source_traceback" in context else None
            for context in sorted(told, key=lambda context: "source_traceback" not in context)]


async def case_never(request, ctx):
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        notes.append("cancelled at the deadline")
        raise


async def case_dropped(request, ctx):
    # Nothing refers to the future, so nothing can ever end the wait.
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, __import__("gc").collect)
    await future


async def case_aborted(request, ctx):
    del notes[:]
    await asyncio.wait_for(request.signal.wait(), 10)
    notes.append(request.signal.reason)
    return "nobody reads this"


async def case_until(request, ctx):
    async def later():
        await asyncio.sleep(0.02)
        notes.append("afterwards: " + request.headers["x-mark"] + " " + request.path)

    del notes[:]
    ctx.wait_until(later())
    return duet.Response(status=202)


async def case_until_fails(request, ctx):
    async def later():
        raise ValueError("of the work afterwards")

    ctx.wait_until(later())
    return "answered"


async def case_stop(request, ctx):
    try:
        asyncio.get_running_loop().stop()
    except RuntimeError as error:
        return str(error)


async def case_hold(request, ctx):
    time.sleep(float(request.query["seconds"]))
    return "held"


async def case_endless(request, ctx):
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            pass


async def case_fork(request, ctx):
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.get_event_loop_policy().new_event_loop().close()
            os._exit(5)
        finally:
            os._exit(6)
    _, status = os.waitpid(pid, 0)
    return {"code": os.waitstatus_to_exitcode(status)}


async def case_fork_return(request, ctx):
    pid = os.fork()
    if pid == 0:
        return "from the child"
    _, status = os.waitpid(pid, 0)
    return {"code": os.waitstatus_to_exitcode(status)}


async def case_fork_signal(request, ctx):
    import signal

    def child(number, prepare):
        """How a child ends that gets `number` once it waits for it."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                prepare()
                os.write(writing, b"!")
                while True:  # briefly: a signal just before a sleep is heard just after it
                    time.sleep(0.05)
            except KeyboardInterrupt:
                os._exit(3)
            finally:
                os._exit(4)
        os.read(reading, 1)
        os.kill(pid, number)
        os.close(reading)
        os.close(writing)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def nothing():
        pass

    def handle():
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))

    return {"SIGTERM": child(signal.SIGTERM, nothing),
            "user's handler": child(signal.SIGTERM, handle),
            "SIGINT": "KeyboardInterrupt" if child(signal.SIGINT, nothing) == 3 else "other"}


async def case_fork_stays(request, ctx):
    pid = os.fork()
    if pid == 0:
        while True:
            time.sleep(60)
    return str(pid)


async def case_processes(request, ctx):
    import processes
    # On the loop: a fork in a thread of an executor ends with 1 in every CPython, because its child
    # wants to join the thread that it is.
    return processes.run(request.url.rpartition("?")[2])


async def fetch(request, env, ctx):
    case = globals().get("case_" + request.path.rpartition("/")[2])
    if case is None:
        return duet.Response("no such case", 404)
    return await case(request, ctx)
