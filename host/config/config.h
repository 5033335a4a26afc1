// What the host is to do: plain values, checked, with every default filled in.
//
// They come from duet.toml (toml_file.h) or from the command line (host/cli/serve_options.h), and
// whoever reads them needs no further checks: addresses are well-formed, sources exist, handler
// indices are in range, routes do not conflict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/config/endpoint.h"
#include "host/config/experiment.h"

namespace duet::config {

// A place to listen. Numeric addresses only, so that starting never waits for a name server;
// "localhost" is taken as 127.0.0.1.
struct Address {
  std::string host;        // "127.0.0.1", "::1" (without brackets); empty for a unix socket
  std::uint16_t port = 0;  // 0: the system picks one
  std::string path;        // of a unix socket, absolute; empty otherwise

  bool is_unix() const { return !path.empty(); }
  bool is_v6() const { return host.find(':') != std::string::npos; }
  // "127.0.0.1:8000", "[::1]:8000", "unix:/run/duet.sock".
  std::string to_string() const;

  friend bool operator==(const Address&, const Address&) = default;
};

// What a client may send; beyond it the answer is the status named here.
struct Limits {
  std::size_t head_bytes = 16 * 1024;    // request line and fields together: 431
  std::size_t target_bytes = 8 * 1024;   // 414
  std::size_t body_bytes = 1024 * 1024;  // a handler may set its own: 413. nginx's default
  std::size_t pipelined = 64;            // requests of one connection in flight; more are not read
};

struct Timeouts {
  Nanos head = 10 * kSecond;        // from the first byte of a head to its last: 408
  Nanos body_idle = 30 * kSecond;   // between two pieces of a body: 408
  Nanos send = 60 * kSecond;        // a client takes nothing of its answer: closed. nginx's default
  Nanos keep_alive = 75 * kSecond;  // an idle connection is closed after it. nginx's, too
  Nanos shutdown = 10 * kSecond;    // for requests in flight when the host is told to stop: 503
};

// Of open WebSockets.
struct WebSocketLimits {
  std::size_t message_bytes = 16 * 1024 * 1024;   // beyond it the socket is closed with 1009
  std::size_t buffered_bytes = 16 * 1024 * 1024;  // for a client that does not read; then it is cut
  Nanos ping = 30 * kSecond;  // after so much silence a ping, after as much again the end. 0: never
  bool compression = true;    // permessage-deflate
};

// Where spans of requests go (OpenTelemetry, OTLP/HTTP).
struct Otlp {
  Endpoint endpoint;
  double sample = 1;  // share of the requests that come without a trace; others bring the decision
  std::string service = "duet";                              // service.name
  std::vector<std::pair<std::string, std::string>> headers;  // such as a collector's token
};

struct ServerConfig {
  std::vector<Address> listen;  // one at least, in the order given
  // Nothing when the admin listener is "off".
  std::vector<Address> admin;  // none or one
  // The admin address is the default, not the user's choice: when it is taken (a second host on
  // the machine), serve falls back to a free port of 127.0.0.1 instead of failing.
  bool admin_is_default = true;
  Limits limits;
  Timeouts timeouts;
  WebSocketLimits websocket;
  // Absolute path of the database that experiments are kept in; empty: they are not.
  std::string store;
  std::optional<Otlp> otlp;
  bool dev = false;  // stacks are shown to clients
  // Requests count from when the kernel received them, not from when they were read.
  bool kernel_timestamps = true;
  log::Format log_format = log::Format::kAuto;
  log::Level log_level = log::Level::kInfo;
};

// kHttp: a service elsewhere, in whatever language.
enum class Language : std::uint8_t { kJavaScript, kPython, kNative, kHttp };
inline constexpr std::size_t kLanguages = 4;
std::string_view language_name(Language language);  // "javascript", "python", "native", "http"

// How a service elsewhere is asked.
struct Service {
  Nanos connect = 5 * kSecond;     // for a connection: 504
  Nanos body_idle = 30 * kSecond;  // between two pieces of an answer's body; then it is broken off
  // An idle connection is closed. Less than the 5 s after which Node and uvicorn close theirs, so
  // that few requests meet a connection that is just closing.
  Nanos keep_alive = 4 * kSecond;
  std::size_t connections = 100;  // at most; further requests wait
};

struct Handler {
  std::string name;  // unique
  // Absolute path of a file that exists, "module:attribute" (Python), or a URL of ServiceUrl.
  std::string source;
  // Absolute. Where packages and modules are looked for: the source's directory unless given; for
  // "module:attribute" the directory of duet.toml, or the current one.
  std::string root;
  Language language = Language::kJavaScript;
  std::vector<std::pair<std::string, std::string>> env;  // in the order of the file
  Nanos deadline = 30 * kSecond;   // from arrival to the complete answer: 504. 0: none
  bool blocking = false;           // Python only
  std::size_t body_limit = 0;      // bytes; always set (limits.body_bytes unless given)
  bool default_body_limit = true;  // neither the handler nor [server.limits] nor an option says it
  std::string interface;           // Python: "fetch", "asgi", "asgi2", "wsgi"; empty: found out
  std::string root_path;           // "/shop": where an application is mounted; empty: at the root
  Service service;                 // kHttp
};

struct Route {
  std::string pattern;               // as http::Router takes it
  std::vector<std::string> methods;  // upper case; empty: every method
  std::uint32_t handler = 0;         // index in Config::handlers
};

struct Config {
  ServerConfig server;
  std::vector<Handler> handlers;
  std::vector<Route> routes;
  std::vector<Experiment> experiments;
  // Variables of .env files that the real environment lacks: setenv() them before engines start.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string file;  // absolute path of duet.toml; empty when the files came by command line
  // What a person may want to know at start ("PORT=3000 from .env: listening on 0.0.0.0:3000"):
  // logged at level info.
  std::vector<std::string> notes;

  // Whether a handler, which may be a variant, is in that language.
  bool uses(Language language) const;
};

}  // namespace duet::config
