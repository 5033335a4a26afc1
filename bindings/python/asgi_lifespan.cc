#include "bindings/python/asgi_lifespan.h"

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>

#include "bindings/python/asgi_scope.h"

namespace duet::python {

namespace py = pybind11;

void start_lifespan(Handler& handler, const std::function<void(Result<void>)>& done) {
  engine->gil.take();
  try {
    py::dict state;
    handler.state = py::object(state).release().ptr();
    // None: it has started, or need not; else why it has not, and often a stack.
    auto ended = [&handler, done](const py::object& message, const std::string& detail) {
      if (message.is_none()) {
        if (prepare_scopes(handler)) return done({});
        return done(take_error(&handler));
      }
      done(Error{message.cast<std::string>(), handler.file, "", detail});
    };
    py::object context = py::reinterpret_steal<py::object>(PyContext_New());
    if (!context || PyContext_Enter(context.ptr()) < 0 ||
        !engine->slices.enter_handler(handler.index)) {
      throw py::error_already_set();
    }
    py::handle(engine->bootstrap)
        .attr("start_lifespan")(py::handle(handler.callable), handler.name,
                                py::handle(handler.state), py::cpp_function(ended));
    if (PyContext_Exit(context.ptr()) < 0) throw py::error_already_set();
  } catch (py::error_already_set& error) {
    done(Error{error.what(), handler.file, "", ""});
  }
}

void stop_lifespans(const std::function<void()>& done) {
  engine->gil.take();
  try {
    py::handle(engine->bootstrap).attr("stop_lifespans")(py::cpp_function(done));
  } catch (py::error_already_set& error) {
    log_error("ending lifespans failed", nullptr);
    done();
  }
}

}  // namespace duet::python
