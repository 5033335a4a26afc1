// A blocking HTTP client for tests that sends what it is told, also what no client should, and
// reads answers by a parser of its own: the host's codec is what is tested.
//
// Everything has a deadline. What does not come in time, or is no HTTP, throws std::runtime_error
// with what did come: GoogleTest reports it as the test's failure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"

namespace duet::testing_support {

struct HttpResponse {
  int status = 0;
  std::string version;  // "HTTP/1.1"
  std::string reason;
  std::vector<std::pair<std::string, std::string>> fields;  // in order, as sent
  std::string body;
  std::vector<std::size_t> chunks;  // sizes, when it was chunked; without the last
  std::vector<std::pair<std::string, std::string>> trailers;
  bool cut_off = false;  // the connection ended before the body did

  // The first field of that name (any case), or nothing.
  std::optional<std::string> get(std::string_view name) const;
  std::string value(std::string_view name) const { return get(name).value_or(""); }
  std::vector<std::string> all(std::string_view name) const;
};

class HttpClient {
 public:
  // "http://127.0.0.1:80", "127.0.0.1:80", "[::1]:80", "unix:/path".
  explicit HttpClient(std::string_view address);
  // Takes a connected socket over.
  explicit HttpClient(int fd) : fd_(fd) {}
  HttpClient(HttpClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), input_(std::move(other.input_)), ended_(other.ended_) {}
  HttpClient& operator=(HttpClient&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(input_, other.input_);
    std::swap(ended_, other.ended_);
    return *this;
  }
  ~HttpClient() { close(); }

  // Sends all of it. False: the other side has closed.
  bool send(std::string_view bytes);
  // What the kernel takes now.
  std::size_t send_some(std::string_view bytes);

  // Reads one final answer; interim ones (1xx) before it are put aside into interim().
  // `head`: it answers a HEAD request, so no body follows.
  HttpResponse read(bool head = false);
  // Reads a head only; the body's bytes stay where they are.
  HttpResponse read_head();
  // One chunk of a chunked body; empty for the last one.
  std::string read_chunk();
  std::string read_exactly(std::size_t bytes);
  // Everything until the other side closes.
  std::string read_to_end();
  // Waits for the other side to close, throwing away what it still sends. False: it does not.
  bool closed(std::chrono::milliseconds patience = kPatience);
  // Whether anything arrives (or the connection ends) within that time.
  bool anything(std::chrono::milliseconds patience);
  const std::vector<HttpResponse>& interim() const { return interim_; }

  // send() and read() in one; `request` is sent as it is.
  HttpResponse ask(std::string_view request, bool head = false);
  // GET with Host, on the connection at hand.
  HttpResponse get(std::string_view target, std::string_view more_fields = {});
  // With Content-Length.
  HttpResponse post(std::string_view target, std::string_view body,
                    std::string_view more_fields = {});

  void half_close();  // no more is sent; reading goes on
  void reset();       // closes by RST, as a crashed client does
  void close();
  int fd() const { return fd_; }

 private:
  bool fill(Clock::time_point until);  // reads some bytes; false: the other side closed
  std::string line();
  void read_fields(std::vector<std::pair<std::string, std::string>>& fields);
  [[noreturn]] void give_up(const std::string& why) const;

  int fd_ = -1;
  std::string input_;
  std::vector<HttpResponse> interim_;
  bool ended_ = false;
};

// One request on a connection of its own: GET, or POST when there is a body.
HttpResponse fetch(std::string_view address, std::string_view target, std::string_view body = {},
                   std::string_view more_fields = {});

}  // namespace duet::testing_support
