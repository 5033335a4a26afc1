// One service elsewhere: its connections that are kept open, and who waits for one.
//
// At most `connections` are open. Whoever asks for one more waits in line, first come first served;
// when the line is full, it is refused. Loop's thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "host/base/service_url.h"
#include "host/loop/loop.h"
#include "host/loop/timeout_queue.h"
#include "host/measure/ledger.h"
#include "host/runtime.h"

namespace duet::upstream {

class Call;
class Connection;

// What all services of a loop share.
struct Shared {
  Loop* loop;
  measure::Ledger* ledger;
  std::string read_buffer;
};

class Origin {
 public:
  Origin(Shared& shared, ServiceUrl url, const HandlerSpec& spec);
  ~Origin();  // no connection is open
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  // Gets the call a connection: now, or later by Call::on_connection. `fresh`: not one that was
  // used before. The call may have failed when this returns.
  void acquire(Call& call, bool fresh);
  // The call waits no more.
  void forget(Call& call);
  // Nobody uses the connection any more, and it takes another request.
  void release(Connection& connection);
  // It is on its way out: another may be opened.
  void gone(Connection& connection);
  // Closes those that nobody uses; the others close when their calls end.
  void stop();

  Shared& shared() { return shared_; }
  const ServiceUrl& url() const { return url_; }
  const std::string& name() const { return name_; }  // the URL, for logs
  measure::HandlerIndex handler() const { return handler_; }
  std::string_view waits_for_connection() const { return waits_for_connection_; }
  std::string_view waits_for_answer() const { return waits_for_answer_; }

  TimeoutQueue connect_queue, body_queue, keep_alive_queue;

 private:
  void open_for(Call& call);
  void serve_line();

  Shared& shared_;
  const ServiceUrl url_;
  const std::string name_, waits_for_connection_, waits_for_answer_;
  const measure::HandlerIndex handler_;
  const std::size_t most_;
  std::vector<Connection*> idle_;  // the one that was used last at the end
  std::deque<Call*> line_;
  std::size_t open_ = 0;
  bool stopping_ = false;
};

}  // namespace duet::upstream
