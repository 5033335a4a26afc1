"""Blocking handlers, in threads of the pool."""

import threading
import time

import duet

local = threading.local()
notes = []
three = threading.Barrier(3)


def case_thread(request):
    local.calls = getattr(local, "calls", 0) + 1
    return {"main": threading.current_thread() is threading.main_thread(), "text": request.text(),
            "path": request.path, "header": request.headers.get("x-mark"), "calls": local.calls}


def case_meet(request):
    three.wait(10)
    return "met"


def case_waiting(request):
    return {"waiting": three.n_waiting}


def case_raise(request):
    raise ValueError("in a thread")


def case_exit(request):
    raise SystemExit(9)


def case_stream(request):
    def pieces():
        for n in range(3):
            time.sleep(0.001)
            yield f"{threading.current_thread() is threading.main_thread()} {n}\n"

    return duet.Response(pieces())


def case_big(request):
    def pieces():
        try:
            for _ in range(int(request.query["pieces"])):
                notes.append("piece")
                yield b"x" * 65536
        finally:
            notes.append("closed")

    del notes[:]
    return duet.Response(pieces())


def case_notes(request):
    return {"notes": len(notes), "last": notes[-1] if notes else None}


def case_until(request, env, ctx):
    async def later():
        notes.append("afterwards")

    del notes[:]
    ctx.wait_until(later())
    return "answered"


def case_endless(request):
    try:
        while True:
            pass
    except duet.HandlerInterrupted:
        notes.append("interrupted")
        raise


def case_run(request):
    import asyncio
    return asyncio.run(asyncio.sleep(0.001, "ran"))


def case_processes(request):
    import processes
    return processes.run(request.url.rpartition("?")[2])


@duet.blocking
def fetch(request, env, ctx):
    case = globals()["case_" + request.path.rpartition("/")[2]]
    return case(request, env, ctx) if case.__code__.co_argcount == 3 else case(request)
