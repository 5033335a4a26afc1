"""What handlers do with multiprocessing; a module of its own, so that children can import it."""

import concurrent.futures
import multiprocessing


def double(number):
    return 2 * number


def put(queue):
    queue.put("put")


def run(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        executed = executor.submit(double, 21).result(20)
    with context.Pool(2) as pool:
        mapped = pool.map(double, [1, 2])
    queue = context.Queue()
    process = context.Process(target=put, args=(queue,))
    process.start()
    value = queue.get(timeout=20)
    process.join(20)
    return {"executor": executed, "pool": mapped, "process": [value, process.exitcode]}
