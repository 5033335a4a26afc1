// Bringing CPython up, and the `_duet` module that its side is built on.
#pragma once

#include <functional>

#include "bindings/python/engine.h"

namespace duet::python {

// Starts the interpreter on the calling thread, which holds the GIL afterwards, and makes `engine`.
Result<void> start_engine(const RuntimeContext& context);
// Imports bootstrap.py and the duet package, once the rest of `engine` is there.
Result<void> prepare_engine();

// Fills `handler` from its source. GIL held.
Result<void> load_handler(const HandlerSpec& spec, Handler& handler);

// Has debugpy listen. GIL held.
Result<void> open_debugger(const DebuggerOptions& options);

// A Python function without arguments that calls `function`.
Ref make_callback(std::function<void()> function);

std::string pybind11_version();

// The interpreter's memory and collector. Loop's thread, no GIL needed.
RuntimeUsage interpreter_usage();

}  // namespace duet::python
