"""Plain handlers: /<case> runs the function case_<case>."""

import array
import os
import signal
import sys
import time

import duet

kept = []


class Odd:
    pass


def case_kinds(request):
    return {
        "str": "text é", "bytes": b"\x00\x01", "dict": {"a": [1, 2.5, None, True], "é": "ü"},
        "list": [1, "two"], "none": None, "int": 3, "tuple": ("a", 200), "odd": Odd(),
        "bytearray": bytearray(b"ba"), "coroutine": None, "nan": {"x": [float("nan")]},
        "deep": {"a": [{"b": Odd()}]}, "set": {"s": {1}},
        "empty": duet.Response(), "response": duet.Response({"made": True}, 201),
        "array": duet.Response(array.array("B", [65, 66])),
    }[request.query["kind"]]


def case_request(request):
    return {
        "method": request.method, "url": request.url, "path": request.path,
        "query": request.query.multi_items(), "first": request.query.get("a"),
        "params": request.params, "text": request.text(),
        "agent": request.headers["User-Agent"], "all": request.headers.get_all("x-two"),
        "joined": request.headers.get("X-TWO"), "missing": request.headers.get("x-none", "-"),
        "has": "x-two" in request.headers, "client": request.client[0],
        "deadline": request.duet.deadline is not None, "aborted": request.aborted,
    }


def case_headers(request):
    response = duet.Response("h", headers={"x-one": "1", "x-many": ["a", "b"]})
    response.headers["x-late"] = "yes"
    response.headers.append("x-late", "also")
    return response


def case_header_crlf(request):
    try:
        duet.Response("", headers={"x": "a\r\nset-cookie: evil"})
    except ValueError as error:
        first = str(error)
    response = duet.Response("")
    try:
        response.headers["x"] = "nul\0"
    except ValueError as error:
        return {"constructor": first, "assignment": str(error)}


def case_header_name(request):
    return duet.Response("", headers={"bad name": "x"})


def case_status(request):
    return duet.Response("", int(request.query["status"]))


def case_raise(request):
    return {}["missing"]


def case_exit(request):
    sys.exit(3)


def case_os_exit(request):
    os._exit(4)


def case_kill(request):
    os.kill(os.getpid(), signal.SIGHUP)


def case_kill_group(request):
    os.killpg(os.getpgrp(), signal.SIGSTOP)


def case_raise_signal(request):
    signal.raise_signal(signal.SIGKILL)


def case_alarm(request):
    signal.alarm(1)


def case_timer(request):
    signal.setitimer(signal.ITIMER_PROF, 0.01)


def case_abort(request):
    os.abort()


def case_kill_handled(request):
    said = []
    signal.signal(signal.SIGUSR2, lambda number, frame: said.append("handled"))
    try:
        os.kill(os.getpid(), signal.SIGUSR2)
        while not said:  # CPython calls it between two instructions
            pass
    finally:
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    return said[0]


def case_quit(request):
    quit()


def case_interrupt(request):
    raise KeyboardInterrupt


def case_keep(request):
    kept.append(request)
    return "kept"


def case_kept(request):
    old = kept[0]
    return {"path": old.path, "agent": old.headers["user-agent"], "text": old.text(), "body": b"".join(old.body).decode()}


def case_attribute(request):
    request.user = "me"
    return request.user


def case_json(request):
    return duet.Response.json(request.json(), 200, {"x-kind": "echo"})


def case_null(request):
    return duet.Response.json(None)


def case_redirect(request):
    return duet.Response.redirect("/elsewhere", 307)


def case_stream(request):
    return duet.Response((f"{n}\n" for n in range(5)), headers={"content-type": "text/plain"})


def case_big(request):
    return duet.Response((b"x" * 65536 for _ in range(int(request.query["pieces"]))))


def case_env(request, env):
    return {"value": env.NAME, "item": env["NAME"], "missing": env.get("NONE", "-")}


def case_executable(request):
    import subprocess
    out = subprocess.run([sys.executable, "-c", "import sys; print(sys.prefix)"],
                         capture_output=True, text=True).stdout.strip()
    return {"executable": sys.executable, "prefix": sys.prefix, "child": out,
            "argv": sys.argv, "version": sys.version.split()[0]}


def case_asyncio_run(request):
    import asyncio
    return "asyncio" if "asyncio" in sys.modules else "none"


def case_loaded(request):
    return {"asyncio": "asyncio" in sys.modules, "json": "json" in sys.modules}


def case_sleep(request):
    time.sleep(float(request.query["seconds"]))
    return "slept"


def case_endless(request):
    # CPython 3.10 itself looks for no signal in this one: it jumps back to a `try`, and calls nothing.
    while True:
        try:
            pass
        except Exception:
            pass


def case_print(request):
    print("printed by a handler")
    return "printed"


def fetch(request, env, ctx):
    case = globals().get("case_" + request.path.rpartition("/")[2])
    if case is None:
        return duet.Response("no such case", 404)
    return case(request, env) if case.__code__.co_argcount == 2 else case(request)
