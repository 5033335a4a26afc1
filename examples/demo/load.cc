// demo_load: sends a mix of GET requests at a steady rate and says each second how it went.
//
//   demo_load HOST:PORT SECONDS NAME=RATE=TARGET ...
//
// For each NAME, RATE requests a second are due at even distances whether or not earlier ones were
// answered (an open loop), and their latency counts from when they were due. Each second, and at
// the end, one line of JSON goes to standard output. Exit code 1 when an answer was wrong.
#include <llhttp.h>
#include <uv.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "demo_load: %s\n", message.c_str());
  std::exit(1);
}

double seconds_now() { return static_cast<double>(uv_hrtime()) / 1e9; }

struct Stream {
  std::string name;
  double rate = 0;  // requests a second
  std::string request;
  double next = 0;                // when the next one is due, seconds since the start
  std::vector<double> latencies;  // milliseconds, since the last report
  std::uint64_t done = 0, bytes = 0;
};

struct Due {
  std::size_t stream;
  double at;
};

class Load;

// One keep-alive connection: at most one request at a time.
class Connection {
 public:
  Connection(Load& load, uv_loop_t* loop, const sockaddr_in& address);
  void send(const Due& due);
  void close() { uv_close(reinterpret_cast<uv_handle_t*>(&socket_), nullptr); }

 private:
  void on_read(ssize_t size, const char* bytes);
  static int on_body(llhttp_t* parser, const char*, size_t size);
  static int on_complete(llhttp_t* parser);

  Load& load_;
  uv_tcp_t socket_;
  uv_connect_t connect_;
  uv_write_t write_;
  llhttp_t parser_;
  llhttp_settings_t settings_;
  Due due_{};
  std::uint64_t body_ = 0;
  char buffer_[65536];
};

class Load {
 public:
  Load(const char* address, double seconds, std::vector<Stream> streams)
      : seconds_(seconds), streams_(std::move(streams)) {
    std::string host = address;
    const std::size_t colon = host.rfind(':');
    if (colon == std::string::npos ||
        uv_ip4_addr(host.substr(0, colon).c_str(), std::atoi(host.c_str() + colon + 1),
                    &address_) != 0) {
      give_up("'" + host + "' is no IPv4 address with a port");
    }
  }

  void run() {
    uv_loop_init(&loop_);
    for (int i = 0; i < kConnections; ++i) {
      connections_.push_back(std::make_unique<Connection>(*this, &loop_, address_));
    }
    uv_timer_init(&loop_, &timer_);
    timer_.data = this;
    start_ = seconds_now();
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Load*>(timer->data)->tick(); }, 0, 1);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
    report(true);
  }

  void idle(Connection* connection) {
    if (waiting_.empty()) {
      idle_.push_back(connection);
    } else {
      const Due due = waiting_.front();
      waiting_.pop_front();
      connection->send(due);
    }
  }
  void answered(Connection* connection, const Due& due, int status, std::uint64_t bytes) {
    Stream& stream = streams_[due.stream];
    if (status != 200) {
      give_up(stream.name + " was answered with status " + std::to_string(status));
    }
    stream.latencies.push_back((elapsed() - due.at) * 1e3);
    ++stream.done;
    stream.bytes += bytes;
    --open_;
    idle(connection);
  }
  const std::string& request(const Due& due) const { return streams_[due.stream].request; }

 private:
  static constexpr int kConnections = 32;

  double elapsed() const { return seconds_now() - start_; }

  void tick() {
    const double at = elapsed();
    if (at < seconds_) {
      for (std::size_t i = 0; i < streams_.size(); ++i) {
        for (; streams_[i].next <= at; streams_[i].next += 1 / streams_[i].rate) {
          ++open_;
          const Due due{i, streams_[i].next};
          if (idle_.empty()) {
            waiting_.push_back(due);
          } else {
            Connection* connection = idle_.front();  // each in turn
            idle_.pop_front();
            connection->send(due);
          }
        }
      }
    } else if (open_ == 0 || at > seconds_ + 10) {
      if (open_ != 0) give_up(std::to_string(open_) + " requests were not answered in 10 s");
      // With nothing open the loop ends by itself.
      uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
      for (const auto& connection : connections_) connection->close();
      return;
    }
    if (at >= reported_ + 1) {
      reported_ += 1;
      report(false);
    }
  }

  void report(bool last) {
    std::printf("{\"at\":%.1f,\"last\":%s,\"streams\":[", elapsed(), last ? "true" : "false");
    bool first = true;
    for (Stream& stream : streams_) {
      std::sort(stream.latencies.begin(), stream.latencies.end());
      const auto rank = [&](double part) {
        const std::size_t size = stream.latencies.size();
        return size == 0
                   ? 0.0
                   : stream
                         .latencies[static_cast<std::size_t>(static_cast<double>(size - 1) * part)];
      };
      std::printf("%s{\"name\":\"%s\",\"done\":%llu,\"bytes\":%llu,\"p50\":%.3f,\"p99\":%.3f}",
                  first ? "" : ",", stream.name.c_str(),
                  static_cast<unsigned long long>(stream.done),
                  static_cast<unsigned long long>(stream.bytes), rank(0.5), rank(0.99));
      first = false;
      stream.latencies.clear();
    }
    std::printf("]}\n");
    std::fflush(stdout);
  }

  const double seconds_;
  std::vector<Stream> streams_;
  sockaddr_in address_;
  uv_loop_t loop_;
  uv_timer_t timer_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Connection*> idle_;
  std::deque<Due> waiting_;
  std::size_t open_ = 0;  // due and not answered
  double start_ = 0, reported_ = 0;
};

Connection::Connection(Load& load, uv_loop_t* loop, const sockaddr_in& address) : load_(load) {
  llhttp_settings_init(&settings_);
  settings_.on_body = on_body;
  settings_.on_message_complete = on_complete;
  llhttp_init(&parser_, HTTP_RESPONSE, &settings_);
  parser_.data = this;
  uv_tcp_init(loop, &socket_);
  uv_tcp_nodelay(&socket_, 1);
  socket_.data = connect_.data = this;
  uv_tcp_connect(&connect_, &socket_, reinterpret_cast<const sockaddr*>(&address),
                 [](uv_connect_t* connect, int status) {
                   if (status == UV_ECANCELED) return;  // closed before it was needed
                   if (status != 0) give_up(std::string("cannot connect: ") + uv_strerror(status));
                   auto* self = static_cast<Connection*>(connect->data);
                   uv_read_start(
                       connect->handle,
                       [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
                         auto* connection = static_cast<Connection*>(handle->data);
                         *buffer = uv_buf_init(connection->buffer_, sizeof connection->buffer_);
                       },
                       [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
                         static_cast<Connection*>(stream->data)->on_read(size, buffer->base);
                       });
                   self->load_.idle(self);
                 });
}

void Connection::send(const Due& due) {
  due_ = due;
  body_ = 0;
  const std::string& request = load_.request(due);
  uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(request.data()), static_cast<unsigned>(request.size()));
  uv_write(&write_, reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1,
           [](uv_write_t*, int status) {
             if (status != 0) give_up(std::string("cannot send: ") + uv_strerror(status));
           });
}

void Connection::on_read(ssize_t size, const char* bytes) {
  if (size < 0) {
    give_up(std::string("the server closed a connection: ") + uv_strerror(static_cast<int>(size)));
  }
  const llhttp_errno_t error = llhttp_execute(&parser_, bytes, static_cast<size_t>(size));
  if (error != HPE_OK) {
    give_up(std::string("an answer is no HTTP: ") + llhttp_get_error_reason(&parser_));
  }
}

int Connection::on_body(llhttp_t* parser, const char*, size_t size) {
  static_cast<Connection*>(parser->data)->body_ += size;
  return 0;
}

int Connection::on_complete(llhttp_t* parser) {
  auto* self = static_cast<Connection*>(parser->data);
  self->load_.answered(self, self->due_, llhttp_get_status_code(parser), self->body_);
  return 0;
}

Stream parse_stream(std::string_view text, std::string_view host) {
  const std::size_t first = text.find('=');
  const std::size_t second = first == std::string_view::npos ? first : text.find('=', first + 1);
  if (second == std::string_view::npos) {
    give_up("'" + std::string(text) + "' is not NAME=RATE=TARGET");
  }
  Stream stream;
  stream.name = text.substr(0, first);
  stream.rate = std::atof(std::string(text.substr(first + 1, second - first - 1)).c_str());
  if (stream.rate <= 0) give_up("the rate in '" + std::string(text) + "' must be above 0");
  stream.request = "GET " + std::string(text.substr(second + 1)) +
                   " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
  return stream;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) give_up("usage: demo_load HOST:PORT SECONDS NAME=RATE=TARGET ...");
  const double seconds = std::atof(argv[2]);
  if (seconds <= 0) give_up("SECONDS must be above 0");
  std::vector<Stream> streams;
  for (int i = 3; i < argc; ++i) {
    Stream stream = parse_stream(argv[i], argv[1]);
    // Streams start at different moments, so that their requests do not come in bursts.
    stream.next = (i - 3) / (stream.rate * (argc - 3));
    streams.push_back(std::move(stream));
  }
  Load(argv[1], seconds, std::move(streams)).run();
  return 0;
}
