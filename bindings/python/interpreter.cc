#include "bindings/python/interpreter.h"

#include <pybind11/embed.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "bindings/python/asgi_call.h"
#include "bindings/python/driver.h"
#include "bindings/python/handle.h"
#include "bindings/python/headers_type.h"
#include "bindings/python/interrupt.h"
#include "bindings/python/loop_type.h"
#include "bindings/python/request_body.h"
#include "bindings/python/response_type.h"
#include "bindings/python/signals.h"
#include "bindings/python/websocket.h"
#include "bindings/python/wsgi_environ.h"
#include "embedded/bootstrap_py.h"
#include "host/base/log.h"

namespace duet::python {

namespace py = pybind11;

namespace {

// --- the memory of Python objects: pymalloc's arenas ---

PyObjectArenaAllocator real_arenas;
std::atomic<std::int64_t> arena_bytes{0};

void* allocate_arena(void* context, std::size_t size) {
  void* arena = real_arenas.alloc(context, size);
  if (arena != nullptr) arena_bytes.fetch_add(static_cast<std::int64_t>(size));
  return arena;
}
void free_arena(void* context, void* arena, std::size_t size) {
  arena_bytes.fetch_sub(static_cast<std::int64_t>(size));
  real_arenas.free(context, arena, size);
}

void count_arenas() {
  PyObject_GetArenaAllocator(&real_arenas);
  PyObjectArenaAllocator counting{real_arenas.ctx, allocate_arena, free_arena};
  PyObject_SetArenaAllocator(&counting);
}

// --- the collector ---

std::atomic<std::int64_t> gc_count{0};
std::atomic<Nanos> gc_time{0};
Nanos gc_started = 0;  // guarded by the GIL

void on_gc(const std::string& phase, const py::object&) {
  const Nanos at = now();
  if (phase == "start") {
    gc_started = at;
    return;
  }
  gc_count.fetch_add(1, std::memory_order_relaxed);
  gc_time.fetch_add(at - gc_started, std::memory_order_relaxed);
  // A collection in another thread shows as the GIL's wait.
  if (engine->events->on_own_thread()) engine->host.ledger->add_gc(gc_started, at);
}

// --- what bootstrap.py and the duet package call ---

const Handler* find_handler(const py::object& context, const std::string& hint) {
  measure::HandlerIndex index = measure::kNoHandler;
  if (!context.is_none() && PyContext_Enter(context.ptr()) == 0) {
    index = engine->slices.bound().handler;
    if (PyContext_Exit(context.ptr()) < 0) PyErr_Clear();
  } else {
    PyErr_Clear();
    index = engine->slices.bound().handler;
  }
  for (const Handler& handler : engine->handlers) {
    if (handler.index == index || (!hint.empty() && (handler.file == hint || handler.name == hint)))
      return &handler;
  }
  return nullptr;
}

void log_exception(const std::string& message, const py::object& exception,
                   const py::object& context, const std::string& hint) {
  const Handler* handler = find_handler(context, hint);
  Error error;
  if (!exception.is_none()) error = describe_exception(exception.ptr(), handler);
  log::error(message, {{"handler", handler ? std::string_view(handler->name) : ""},
                       {"language", "python"},
                       {"error", error.message},
                       {"at", error.where},
                       {"stack", error.detail}});
}

py::object task_of_driver() {
  PyObject* task = current_task();
  if (task == nullptr && PyErr_Occurred()) throw py::error_already_set();
  return task ? py::reinterpret_steal<py::object>(task) : py::none();
}

py::object host_loop() {
  if (!engine->start_asyncio()) throw py::error_already_set();
  return py::reinterpret_borrow<py::object>(engine->loop);
}

// What run_in_executor() is to run instead of `function`.
py::object executor_call(const py::object& function) {
  if (!engine->slices.open() || !engine->events->on_own_thread()) return function;
  return py::reinterpret_steal<py::object>(
      engine->executor_calls.wrap(function.ptr(), engine->slices.owner()));
}

void bind_scope() {
  if (!engine->slices.bind()) throw py::error_already_set();
}

}  // namespace

PYBIND11_EMBEDDED_MODULE(_duet, m) {
  PyObject* module = m.ptr();
  const bool created = names.create() && create_headers_types(module) &&
                       create_response_type(module) && create_request_type(module) &&
                       create_ready_type(module) && create_handle_types(module) &&
                       create_asgi_types(module) && create_driver_type(module) &&
                       create_loop_type(module) && add_websocket_functions(module) &&
                       ExecutorCalls::create_type() && engine->slices.create_types();
  if (!created) throw py::error_already_set();
  m.def("bind", bind_scope);
  m.def("current_task", task_of_driver);
  m.def("host_loop", host_loop);
  m.def("on_loop_thread", [] { return engine->events->on_own_thread(); });
  m.def("log_exception", log_exception);
  m.def("interrupt_is_due", interrupt_is_due);
  m.def("wake_on_signal", wake_on_signal);
  m.def("executor_call", executor_call);
  m.def("count_thread", count_thread);
  m.def("forked", [] {
    engine->forked = true;
    exchange_woken(nullptr);
    forget_host_signals();
  });
  m.def("on_gc", on_gc);
  m.def("on_debugger", [] {
    if (engine->forked) return;  // the child's
    engine->debugged = true;
    engine->host.on_debugger();
  });
}

namespace {

Error config_error(const PyStatus& status, const std::string& python) {
  return Error{std::string("Python cannot start: ") + (status.err_msg ? status.err_msg : "?"),
               python, "does this interpreter start by itself?", ""};
}

PyStatus initialize(const RuntimeContext& context) {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;
  config.parse_argv = 0;
  PyStatus status =
      PyConfig_SetBytesString(&config, &config.executable, context.python_executable.c_str());
  if (!PyStatus_Exception(status)) {
    // What the paths of the standard library and of the virtual environment are derived from.
    status =
        PyConfig_SetBytesString(&config, &config.program_name, context.python_executable.c_str());
  }
  std::vector<std::string> arguments{context.arguments};
  if (arguments.empty()) arguments.emplace_back("duet");
  for (const std::string& argument : arguments) {
    if (PyStatus_Exception(status)) break;
    wchar_t* wide = Py_DecodeLocale(argument.c_str(), nullptr);
    if (wide == nullptr) continue;
    status = PyWideStringList_Append(&config.argv, wide);
    PyMem_RawFree(wide);
  }
  if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  return status;
}

Error current_error() {
  py::error_already_set error;
  return Error{std::string("Python cannot be set up: ") + error.what(), "", "", ""};
}

}  // namespace

Result<void> start_engine(const RuntimeContext& context) {
  engine = new Engine;
  engine->host = context;
  PyPreConfig preconfig;
  PyPreConfig_InitPythonConfig(&preconfig);
  PyStatus status = Py_PreInitialize(&preconfig);
  if (PyStatus_Exception(status)) return config_error(status, context.python_executable);
  count_arenas();
  status = initialize(context);
  if (PyStatus_Exception(status)) return config_error(status, context.python_executable);
  return {};
}

Result<void> prepare_engine() {
  try {
    py::module_::import("_duet");
    py::list path = py::module_::import("sys").attr("path");
    path.append(engine->host.module_directory + "/python");
    const py::module_ package = py::module_::import("duet._stream");
    engine->request_ended = py::object(package.attr("RequestEnded")).release().ptr();
    engine->client_disconnected = py::object(package.attr("ClientDisconnected")).release().ptr();
    engine->handler_interrupted = py::object(package.attr("HandlerInterrupted")).release().ptr();
    py::object code = py::reinterpret_steal<py::object>(
        Py_CompileString(embedded::bootstrap_py.data(), "<duet bootstrap>", Py_file_input));
    if (!code) return current_error();
    PyObject* module = PyImport_ExecCodeModule("_duet_bootstrap", code.ptr());
    if (module == nullptr) return current_error();
    engine->bootstrap = module;
    py::handle(module).attr("set_up")();
    prepare_interrupts();
  } catch (py::error_already_set& error) {
    return Error{std::string("Python cannot be set up: ") + error.what(), "", "", ""};
  }
  return {};
}

namespace {

Interface interface_of(const std::string& shape) {
  if (shape == "asgi") return Interface::kAsgi;
  return shape == "wsgi" ? Interface::kWsgi : Interface::kFetch;
}

}  // namespace

Result<void> load_handler(const HandlerSpec& spec, Handler& handler) {
  try {
    const py::handle bootstrap(engine->bootstrap);
    py::dict env;
    for (const auto& [name, value] : spec.env) env[py::str(name)] = py::str(value);
    bootstrap.attr("leave_loop")();
    py::object context = py::reinterpret_steal<py::object>(PyContext_New());
    if (!context || PyContext_Enter(context.ptr()) < 0 ||
        !engine->slices.enter_handler(spec.index)) {
      throw py::error_already_set();
    }
    py::tuple outcome = bootstrap.attr("load")(spec.name, spec.source, spec.root, env,
                                               spec.blocking, spec.interface);
    if (PyContext_Exit(context.ptr()) < 0) throw py::error_already_set();
    bootstrap.attr("enter_loop")();
    if (!outcome[0].cast<bool>()) {
      const auto why = outcome[1].cast<py::tuple>();
      return Error{why[0].cast<std::string>(), why[1].cast<std::string>(),
                   why[2].cast<std::string>(), why[3].cast<std::string>()};
    }
    const auto loaded = outcome[1].cast<py::tuple>();
    handler.callable = py::object(loaded[0]).release().ptr();
    handler.env = py::object(loaded[1]).release().ptr();
    handler.context = py::object(loaded[2]).release().ptr();
    handler.arguments = loaded[3].cast<int>();
    const bool is_async = loaded[4].cast<bool>();
    handler.blocking = loaded[5].cast<bool>();
    handler.interface = interface_of(loaded[6].cast<std::string>());
    handler.root_path = spec.root_path;
    if (handler.interface == Interface::kWsgi && !prepare_environs(handler)) {
      throw py::error_already_set();
    }
    handler.file = loaded[7].cast<std::string>();
    handler.mode = is_async ? BodyMode::kAwaitables : BodyMode::kValues;
    const bool imported = py::module_::import("sys").attr("modules").contains("asyncio");
    if ((is_async || imported) && !engine->start_asyncio()) throw py::error_already_set();
  } catch (py::error_already_set& error) {
    return Error{error.what(), spec.source, "", ""};
  }
  return {};
}

Result<void> open_debugger(const DebuggerOptions& options) {
  try {
    const py::object failed = py::handle(engine->bootstrap)
                                  .attr("open_debugger")(options.host, options.port, options.wait);
    if (failed.is_none()) return {};
    const auto why = failed.cast<py::tuple>();
    return Error{why[0].cast<std::string>(), "", why[1].cast<std::string>(), ""};
  } catch (py::error_already_set& error) {
    return Error{error.what(), "", "", ""};
  }
}

Ref make_callback(std::function<void()> function) {
  return Ref::steal(py::cpp_function(std::move(function)).release().ptr());
}

std::string pybind11_version() {
  return PYBIND11_TOSTRING(PYBIND11_VERSION_MAJOR) "." PYBIND11_TOSTRING(
      PYBIND11_VERSION_MINOR) "." PYBIND11_TOSTRING(PYBIND11_VERSION_MICRO);
}

RuntimeUsage interpreter_usage() {
  RuntimeUsage usage;
  usage.heap_total = arena_bytes.load(std::memory_order_relaxed);
  usage.gc_count = gc_count.load(std::memory_order_relaxed);
  usage.background_cpu = counted_threads_cpu();
  usage.gc_time = gc_time.load(std::memory_order_relaxed);
  return usage;
}

}  // namespace duet::python
