// One connection to a service: connecting, a request out, its answer in.
//
// Belongs to its origin, and to a call while one uses it. Deletes itself once it has left the loop.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/response_parser.h"
#include "host/loop/timeout_queue.h"
#include "host/net/address.h"
#include "host/net/stream.h"

namespace duet::upstream {

class Call;
class Origin;

class Connection final : net::StreamEvents, http::ResponseParser::Sink {
 public:
  explicit Connection(Origin& origin);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Looks the name up where it is one, and tries its addresses in turn; Call::on_connection
  // follows, or Call::on_lost.
  void connect();
  void give_to(Call& call) { call_ = &call; }

  // As net::Stream's. After a false, what the service may have said before it closed is still read.
  bool send(std::string_view bytes, std::size_t& accepted);
  void wait_for_room() { stream_->wait_for_room(); }
  // The call cannot take more of the answer for now; it can again.
  void pause();
  void resume();

  // Nobody uses it: it waits to be used again, or to be closed by either side.
  void rest();
  // Whether an idle connection has heard nothing: neither an end nor bytes that nobody asked for.
  bool still_open() const;
  // The call hears no more of it.
  void close();

 private:
  enum class State { kLookingUp, kConnecting, kOpen, kClosing };
  ~Connection() = default;

  void try_next_address();
  void connected();
  void finish();
  void lose(int status, std::string why, std::string hint = {});
  void timed_out();

  // net::StreamEvents
  void on_read(std::string_view bytes, Nanos arrival, Nanos started) override;
  void on_read_end() override;
  void on_room() override;
  void on_error(int code) override;
  void on_closed() override;

  // http::ResponseParser::Sink
  http::ResponseParser::Body on_head(int status) override;
  void on_body(std::string_view piece) override;
  void on_complete(bool keep_alive) override;

  void looked_up(int code, const addrinfo* found);

  Origin& origin_;
  Call* call_ = nullptr;
  std::unique_ptr<net::Stream> stream_;
  http::ResponseParser parser_;
  Timeout timeout_;
  uv_getaddrinfo_t look_up_;
  std::vector<net::Address> addresses_;  // still to be tried, the next one last
  std::string tried_;                    // "127.0.0.1:80: connection refused"
  State state_ = State::kLookingUp;
  bool looking_up_ = false;  // its callback is still to come
  bool paused_ = false;
  bool completed_ = false;  // the answer at hand; what follows in the same read is nobody's
  bool keeps_ = false;      // it takes another request
};

}  // namespace duet::upstream
