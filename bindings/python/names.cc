#include "bindings/python/python.h"

namespace duet::python {

Names names;

bool Names::create() {
  struct Entry {
    PyObject** slot;
    const char* text;
  };
  const Entry entries[] = {
      {&add_done_callback, "add_done_callback"},
      {&asyncio_future_blocking, "_asyncio_future_blocking"},
      {&asyncio_loop, "_loop"},
      {&call_exception_handler, "call_exception_handler"},
      {&cancel, "cancel"},
      {&close, "close"},
      {&context, "context"},
      {&done, "done"},
      {&fileno, "fileno"},
      {&loop, "loop"},
      {&result, "result"},
      {&set_result, "set_result"},
      {&throw_, "throw"},
      {&value, "value"},
      {&empty_string, ""},
      {&methods[0], "GET"},
      {&methods[1], "HEAD"},
      {&methods[2], "POST"},
      {&methods[3], "PUT"},
      {&methods[4], "DELETE"},
      {&methods[5], "PATCH"},
      {&methods[6], "OPTIONS"},
      {&methods[7], "CONNECT"},
      {&methods[8], "TRACE"},
  };
  for (const Entry& entry : entries) {
    *entry.slot = PyUnicode_InternFromString(entry.text);
    if (*entry.slot == nullptr) return false;
  }
  context_keyword = PyTuple_Pack(1, context);
  loop_keyword = PyTuple_Pack(1, loop);
  loop_context_keywords = PyTuple_Pack(2, loop, context);
  empty_bytes = PyBytes_FromStringAndSize(nullptr, 0);
  return context_keyword && loop_keyword && loop_context_keywords && empty_bytes;
}

}  // namespace duet::python
