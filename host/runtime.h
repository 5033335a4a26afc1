// The engine boundary: what the host asks of a language, and nothing about any language.
//
// An engine is a module (a shared object) with one exported factory, duet_create_runtime. The host
// opens it when the first handler needs it. No exception leaves any of these functions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/exchange.h"
#include "host/loop/loop.h"
#include "host/measure/ledger.h"
#include "host/tunnel.h"
#include "host/websocket_session.h"

namespace duet {

// How a service elsewhere is asked (host/upstream).
struct ServiceSpec {
  Nanos connect = 5 * kSecond;     // for a connection, its name's look-up included: 504
  Nanos body_idle = 30 * kSecond;  // between two pieces of an answer's body
  Nanos keep_alive = 4 * kSecond;  // an idle connection is closed
  std::size_t connections = 100;   // at most
};

// A handler as configured. Paths are absolute.
struct HandlerSpec {
  std::string name;  // in logs, metrics and the matrix; unique
  // "/dir/hello.mjs", "/dir/hello.py", "module:attribute" (Python), or "http://host:port/prefix".
  std::string source;
  std::string root;  // directory of the source, or the project's: for packages and modules
  std::vector<std::pair<std::string, std::string>> env;  // given to the handler as `env`
  Nanos deadline = 30 * kSecond;  // from arrival to the complete answer; 0: none
  bool blocking = false;          // Python: run `def` in the thread pool
  std::string interface;  // "fetch", "asgi", "asgi2", "wsgi"; empty: the engine finds out (Python)
  std::string root_path;  // where an application is mounted: ASGI's root_path, WSGI's SCRIPT_NAME
  std::size_t body_limit = 0;       // bytes; what text()/json()/bytes() may hold; 413 beyond
  bool default_body_limit = false;  // nobody asked for it
  measure::HandlerIndex index = measure::kNoHandler;
  ServiceSpec service;  // of an http:// source
};

// A handler as loaded by its engine.
struct LoadedHandler {
  std::uint32_t slot = 0;         // the engine's own number for it, given to dispatch()
  bool wants_whole_body = false;  // dispatch only when the body is complete (plain `def`)
  // It reads bodies piece by piece, as applications expect of a server: a limit that nobody asked
  // for does not apply.
  bool takes_any_body = false;
  // CONNECT is for it: an application of Node that listens for 'connect' is a proxy.
  bool takes_connect = false;
  // Bodies declared to have at most so many bytes are waited for as by wants_whole_body.
  std::size_t whole_body_up_to = 0;
  std::string shape;  // "fetch", "asgi", ...: for logs and `GET /api/handlers`
};

// What an engine is given; everything outlives the engine. Loop's thread only, unless said.
struct RuntimeContext {
  Loop* loop = nullptr;
  ExchangeTable* exchanges = nullptr;
  measure::Ledger* ledger = nullptr;
  WebSockets* websockets = nullptr;
  Tunnels* tunnels = nullptr;
  bool dev = false;                    // --dev: stacks may go to the client
  std::string executable;              // the duet binary, absolute
  std::string module_directory;        // where the engine modules and their scripts are
  std::string python_executable;       // the interpreter chosen at start (Python only)
  std::vector<std::string> arguments;  // what process.argv / sys.argv show after the program
  // Where the host will listen, for applications that ask where they do: numeric, of its first TCP
  // listener. Port 0: it has none.
  std::string listen_host;
  std::uint16_t listen_port = 0;
  // An application that the host answers for has begun to listen: as everywhere, clients may
  // connect from now on. They are answered once all handlers have loaded.
  std::function<void()> on_listen;
  // The number of a route inside a handler's application ("/items/{id}", as its framework writes
  // it), for Exchange::set_inner_route(). `method` is an http::Method's number. The same route has
  // the same number for ever; when a handler has too many, further ones share one. "(no route)"
  // stands for all requests that none of an application's routes took.
  std::function<std::uint32_t(measure::HandlerIndex, unsigned method, std::string_view route)>
      inner_route;
  // The engine cannot go on (out of memory, terminated inside microtasks): it takes no new
  // requests. `why` is for the log. The host answers 503 for it and stays up.
  std::function<void(const Error& why)> on_degraded;
  // From now on a debugger may hold the engine's code at any line, for as long as a person thinks:
  // deadlines mean nothing any more. May be told again; any thread.
  std::function<void()> on_debugger;
};

// Where a language's debugger listens.
struct DebuggerOptions {
  std::string host = "127.0.0.1";  // numeric
  std::uint16_t port = 0;          // 0: any free one
  bool wait = false;               // inspect() returns when somebody has attached
};

// What an engine uses beside the slices on the loop's thread. Any unknown number is -1.
struct RuntimeUsage {
  std::int64_t heap_used = -1, heap_total = -1, heap_limit = -1;  // bytes
  std::int64_t gc_count = 0;
  Nanos gc_time = 0;
  Nanos background_cpu = 0;  // CPU of the engine's own threads (V8's workers, thread pool)
};

class Runtime : public ExchangeListener {
 public:
  virtual ~Runtime() = default;

  virtual std::string_view name() const = 0;  // "javascript", "python", "native", "http"
  // "V8 13.6…, Node 24…": name and version pairs for `duet version`; callable before start().
  virtual std::vector<std::pair<std::string, std::string>> versions() const = 0;

  // Brings the engine up on the context's loop.
  virtual Result<void> start(const RuntimeContext& context) = 0;

  // Loads a handler and calls `done` once, from the loop or before returning: loading may await
  // (top-level await, lifespan). Errors carry file, line and the language's own stack in `detail`.
  virtual void load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) = 0;

  // Requests are dispatched between enter() and leave(), several where each was answered when
  // dispatch() returned: engines take their lock and open their scopes once for all of them.
  // leave() drains what the calls queued (microtasks, ready callbacks).
  virtual void enter() noexcept = 0;
  virtual void leave() noexcept = 0;

  // Hands a request over; between enter() and leave(). The engine opens the ledger's slice around
  // its language, answers through the exchange now or later, and keeps only the id.
  virtual void dispatch(std::uint32_t slot, Exchange& exchange) noexcept = 0;

  // Called by the watchdog's thread (any thread, at any moment) when a slice on the loop's thread
  // has run far beyond its deadline, or loads while the host is to stop: makes the running code
  // throw.
  virtual void interrupt() noexcept = 0;

  virtual RuntimeUsage usage() const = 0;

  // The stack of what runs now on the loop's thread, innermost last: for profiles. May be empty.
  virtual std::vector<std::string> capture_stack() { return {}; }

  // Opens the language's debugger, which prints to standard error where its clients find it. After
  // start(), before the first load(). While code stands at a breakpoint, so does its thread: mostly
  // the loop's. The default says that there is none.
  virtual Result<void> inspect(const DebuggerOptions& options);

  // Stops: no dispatch follows. Waits (in the loop) for waitUntil work until `deadline`, runs the
  // language's exit hooks, flushes its output, then calls `done` once.
  virtual void stop(Nanos deadline, std::function<void()> done) = 0;
};

// The one symbol of an engine module. `boundary` is the host's kRuntimeBoundary (boundary/number.h,
// generated: it stands for the contents of this header and of all that engines see of the host); a
// module built with another returns null.
using CreateRuntime = Runtime* (*)(std::uint64_t boundary);
inline constexpr const char* kCreateRuntimeSymbol = "duet_create_runtime";

}  // namespace duet
