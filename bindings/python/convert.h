// Values between Python and the host: what handlers return becomes answers, exceptions Errors.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/python/python.h"
#include "host/base/result.h"
#include "host/exchange.h"

namespace duet::python {

struct Handler;

// An answer that waits for the end of the slice: sending is the host's work, not the handler's.
struct Answer {
  ExchangeId exchange = 0;
  http::ResponseHead head;
  std::string_view body;  // into `owner` or `text`
  Ref owner;
  std::string text;
  bool failed = false;  // `error` instead of the above
  Error error;
};

// Answers of the slice that is open; sent when it has closed. Entries are reused, so that their
// strings keep their memory.
class Outbox {
 public:
  Answer& add(ExchangeId exchange);
  void drop_last() { --count_; }
  bool empty() const { return count_ == 0; }
  // True when the newest answer is `exchange`'s.
  bool answers(ExchangeId exchange) const {
    return count_ > 0 && answers_[count_ - 1]->exchange == exchange;
  }
  // Sends them in order. GIL held; no slice open.
  void send(ExchangeTable& exchanges);

 private:
  std::vector<std::unique_ptr<Answer>> answers_;
  std::size_t count_ = 0;
};

enum class Converted : std::uint8_t {
  kWhole,   // the answer is complete
  kStream,  // its head is; the body is an iterator, `stream`
  kError,   // a Python error is set
};

// Fills `answer` from what `handler` returned.
Converted convert_result(PyObject* value, const Handler& handler, Answer& answer, Ref& stream);

// The Python error that is set, which is cleared. `handler` may be null. Never fails.
Error take_error(const Handler* handler);

// The same for an exception object.
Error describe_exception(PyObject* exception, const Handler* handler);

// Logs the Python error that is set as an exception nobody handled: `what` says whose.
void log_error(const char* what, const Handler* handler);

// The exception that is set, normalised, with its traceback; cleared. Null when none is set.
Ref take_exception();

}  // namespace duet::python
