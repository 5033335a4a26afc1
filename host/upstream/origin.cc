#include "host/upstream/origin.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "host/upstream/call.h"
#include "host/upstream/connection.h"

namespace duet::upstream {

namespace {

// Who comes later would hardly be answered in time; and a line without an end is memory without an
// end.
constexpr std::size_t kLongestLine = 1024;

}  // namespace

Origin::Origin(Shared& shared, ServiceUrl url, const HandlerSpec& spec)
    : connect_queue(*shared.loop, spec.service.connect),
      body_queue(*shared.loop, spec.service.body_idle),
      keep_alive_queue(*shared.loop, spec.service.keep_alive),
      shared_(shared),
      url_(std::move(url)),
      name_(url_.text()),
      waits_for_connection_("a connection to " + name_),
      waits_for_answer_("an answer of " + name_),
      handler_(spec.index),
      most_(spec.service.connections) {}

Origin::~Origin() { DUET_CHECK(open_ == 0); }

void Origin::acquire(Call& call, bool fresh) {
  while (!fresh && !idle_.empty()) {
    Connection& connection = *idle_.back();
    idle_.pop_back();
    if (!connection.still_open()) {
      connection.close();
      continue;
    }
    connection.give_to(call);
    return call.on_connection(connection, true);
  }
  if (open_ < most_) return open_for(call);
  if (line_.size() >= kLongestLine) {
    return call.fail(
        {503, "too many requests wait for the service behind this route",
         "at most " + std::to_string(most_) + " connections to " + name_ + ", and all are in use",
         "raise 'connections' in [handlers.NAME.upstream], or look why it is slow"});
  }
  line_.push_back(&call);
}

void Origin::open_for(Call& call) {
  ++open_;
  auto* connection = new Connection(*this);  // deletes itself once it is out of the loop
  connection->give_to(call);
  call.on_opening(*connection);
  connection->connect();
}

void Origin::forget(Call& call) { std::erase(line_, &call); }

void Origin::release(Connection& connection) {
  if (!line_.empty()) {
    Call& next = *line_.front();
    line_.pop_front();
    connection.give_to(next);
    return next.on_connection(connection, true);
  }
  if (stopping_) return connection.close();
  idle_.push_back(&connection);
  connection.rest();
}

void Origin::gone(Connection& connection) {
  std::erase(idle_, &connection);
  --open_;
  serve_line();
}

void Origin::serve_line() {
  if (line_.empty() || open_ >= most_) return;
  Call& next = *line_.front();
  line_.pop_front();
  open_for(next);
}

void Origin::stop() {
  stopping_ = true;
  for (Connection* connection : std::exchange(idle_, {})) connection->close();
}

}  // namespace duet::upstream
