// C++20 over duet_plugin.h, header-only: a handler is a class and one macro.
//
//   #include "plugins/sdk/duet_sdk.h"
//   struct Hello {
//     void handle(duet::sdk::Request request) { request.respond(200, "Hello, World!"); }
//   };
//   DUET_PLUGIN_HANDLER(Hello, "hello", "1.0")
//
// The class may also have
//   Hello(const duet::sdk::Setup&)               the constructor used; throw to refuse to start
//   static constexpr bool kStreamsBody = true    handle() runs after the head; use read()
//   void readable(Request), writable(Request)    after read() or write() said kWait
//   void aborted(duet_request_id)                client gone, or the deadline's 504 was sent
//
// Threads: all of it runs on the loop's thread; Host::log, Host::post and Later work anywhere.
// An exception that leaves handle(), readable() or writable() fails the request (500, logged).
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/api/duet_plugin.h"

namespace duet::sdk {

inline duet_str to_str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view to_view(duet_str text) { return {text.data, text.size}; }

// A header field or an environment variable, by name and value.
struct Field {
  std::string_view name, value;
};
static_assert(sizeof(std::string_view) == sizeof(duet_str));

enum class Piece : std::uint8_t {
  kReady,  // go on
  kWait,   // return, and go on in readable() or writable()
  kEnd,    // no more bytes; or nobody reads the answer any more
};

namespace detail {
inline Piece to_piece(duet_status status) {
  return status == DUET_OK ? Piece::kReady : status == DUET_WAIT ? Piece::kWait : Piece::kEnd;
}
// Fields in the C layout, on the stack for the usual handful of them.
class Fields {
 public:
  Fields(std::initializer_list<Field> fields) : size_(fields.size()) {
    duet_field* out = small_;
    if (size_ > kSmall) {
      large_ = std::make_unique<duet_field[]>(size_);
      out = large_.get();
    }
    for (const Field& field : fields) *out++ = {to_str(field.name), to_str(field.value)};
  }
  const duet_field* data() const { return size_ > kSmall ? large_.get() : small_; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kSmall = 8;
  std::size_t size_;
  duet_field small_[kSmall];
  std::unique_ptr<duet_field[]> large_;
};
inline void run_task(void* arg, int cancelled) {
  std::unique_ptr<std::function<void()>> task(static_cast<std::function<void()>*>(arg));
  if (cancelled == 0) (*task)();
}
}  // namespace detail

// The host as seen by one handler. Copyable. After the handler is destroyed, what is posted is
// dropped.
class Host {
 public:
  explicit Host(const duet_host* raw)
      : raw_(raw), alive_(std::make_shared<std::atomic<bool>>(true)) {}
  // Any thread, until the handler's destructor returns.
  void log(duet_level level, std::string_view message) const {
    raw_->log(raw_, level, to_str(message));
  }
  // Runs `task` on the loop's thread, in order of posting. Any thread.
  void post(std::function<void()> task) const {
    if (!alive()) return;
    raw_->post(raw_, detail::run_task, new std::function<void()>(std::move(task)));
  }
  // Runs `task` once, not before `milliseconds` from now. Loop's thread.
  void after(std::uint64_t milliseconds, std::function<void()> task) const {
    if (!alive()) return;
    raw_->after(raw_, milliseconds, detail::run_task, new std::function<void()>(std::move(task)));
  }
  const duet_host* raw() const { return raw_; }

  bool alive() const { return alive_->load(std::memory_order_acquire); }
  // The handler is destroyed: called by the adapter, after which no call reaches the host.
  void retire() const { alive_->store(false, std::memory_order_release); }

 private:
  const duet_host* raw_;
  std::shared_ptr<std::atomic<bool>> alive_;
};

// A promise to answer one request: may be moved to any thread and answered there. Dropped without
// an answer, the request fails. After the client (or the handler) has gone, it has no effect.
class Later {
 public:
  Later(Host host, duet_request_id id) : host_(std::move(host)), id_(id) {}
  // One that was moved from keeps its host, and has no effect.
  Later(Later&& other) noexcept
      : host_(other.host_),  // NOLINT(performance-move-constructor-init)
        id_(std::exchange(other.id_, 0)) {}
  Later& operator=(Later&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~Later() {
    if (id_ != 0) fail("the plug-in dropped the request without answering it");
  }
  duet_request_id id() const { return id_; }

  // No field is added, Content-Type neither, save those of the framing and Date.
  void respond(int status, std::string body,
               std::vector<std::pair<std::string, std::string>> fields = {}) {
    host_.post([host = host_, id = std::exchange(id_, 0), status, body = std::move(body),
                fields = std::move(fields)] {
      duet_request* request = host.raw()->find(host.raw(), id);
      if (request == nullptr) return;
      std::vector<duet_field> raw;
      for (const auto& [name, value] : fields) raw.push_back({to_str(name), to_str(value)});
      host.raw()->respond(request, status, raw.data(), raw.size(), to_str(body));
    });
  }
  void fail(std::string message) {
    host_.post([host = host_, id = std::exchange(id_, 0), message = std::move(message)] {
      duet_request* request = host.raw()->find(host.raw(), id);
      if (request != nullptr) host.raw()->fail(request, to_str(message));
    });
  }

 private:
  Host host_;
  duet_request_id id_;
};

// One request. Three pointers: pass it by value. Dead once it has been answered.
class Request {
 public:
  Request(const Host& host, duet_request* raw) : host_(host.raw()), owner_(&host), raw_(raw) {}

  duet_request_id id() const { return host_->id(raw_); }
  std::string_view method() const { return to_view(host_->method(raw_)); }
  std::string_view path() const { return to_view(host_->path(raw_)); }
  std::string_view query() const { return to_view(host_->query(raw_)); }
  std::string_view body() const { return to_view(host_->body(raw_)); }
  std::optional<std::string_view> header(std::string_view name) const {
    return optional(host_->header(raw_, to_str(name)));
  }
  std::optional<std::string_view> param(std::string_view name) const {
    return optional(host_->param(raw_, to_str(name)));
  }
  // Streamed bodies: on kReady `piece` is valid until the next read.
  Piece read(std::string_view& piece) {
    duet_str raw{nullptr, 0};
    const duet_status status = host_->read(raw_, &raw);
    piece = to_view(raw);
    return detail::to_piece(status);
  }

  // False: not sent (answered already, the client is gone, or a bad field, which fails it).
  bool respond(int status, std::string_view body, std::initializer_list<Field> fields = {}) {
    const detail::Fields raw(fields);
    return host_->respond(raw_, status, raw.data(), raw.size(), to_str(body)) == 0;
  }
  bool start(int status, std::initializer_list<Field> fields = {}) {
    const detail::Fields raw(fields);
    return host_->start(raw_, status, raw.data(), raw.size()) == 0;
  }
  Piece write(std::string_view piece) {
    return detail::to_piece(host_->write(raw_, to_str(piece)));
  }
  void end() { host_->end(raw_); }
  void fail(std::string_view message) { host_->fail(raw_, to_str(message)); }
  // Keeps the request open when handle() returns.
  Later later() const { return Later(*owner_, id()); }

 private:
  static std::optional<std::string_view> optional(duet_str text) {
    if (text.data == nullptr) return std::nullopt;
    return to_view(text);
  }
  const duet_host* host_;
  const Host* owner_;
  duet_request* raw_;
};

// What the configuration says about this handler. Valid during the constructor, the Host longer.
class Setup {
 public:
  Setup(const Host& host, const duet_setup* raw) : host_(&host), raw_(raw) {}
  const Host& host() const { return *host_; }
  std::string_view handler() const { return to_view(raw_->handler); }
  std::string_view root() const { return to_view(raw_->root); }
  std::optional<std::string_view> env(std::string_view name) const {
    for (std::size_t i = 0; i < raw_->env_count; ++i) {
      if (to_view(raw_->env[i].name) == name) return to_view(raw_->env[i].value);
    }
    return std::nullopt;
  }

 private:
  const Host* host_;
  const duet_setup* raw_;
};

namespace detail {

// The C functions of a handler class.
template <class H>
struct Adapter {
  Host host;
  H handler;

  Adapter(const Host& h, const Setup& setup)
    requires std::is_constructible_v<H, const Setup&>
      : host(h), handler(setup) {}
  Adapter(const Host& h, const Setup&)
    requires(!std::is_constructible_v<H, const Setup&>)
      : host(h), handler() {}

  static void* create(const duet_host* host, const duet_setup* raw, duet_str* why) {
    // Kept for the caller until the next create() of this thread.
    thread_local std::string message;
    const Host owner(host);
    try {
      return new Adapter(owner, Setup(owner, raw));
    } catch (const std::exception& error) {
      message = error.what();
    } catch (...) {
      message = "an exception that is no std::exception";
    }
    *why = to_str(message);
    return nullptr;
  }
  static void destroy(void* self) {
    const Host host = static_cast<Adapter*>(self)->host;
    delete static_cast<Adapter*>(self);  // joins its threads
    host.retire();
  }

  template <class Call>
  static void guarded(void* self, duet_request* raw, Call call) {
    Adapter* adapter = static_cast<Adapter*>(self);
    const duet_host* host = adapter->host.raw();
    // By id afterwards: the handler may have answered before it threw.
    const auto fail = [&](duet_request_id id, const char* what) {
      duet_request* open = host->find(host, id);
      if (open != nullptr) {
        host->fail(open, to_str(what));
      } else {
        host->log(host, DUET_ERROR, to_str(what));
      }
    };
    const duet_request_id id = host->id(raw);
    try {
      call(adapter->handler, Request(adapter->host, raw));
    } catch (const std::exception& error) {
      fail(id, error.what());
    } catch (...) {
      fail(id, "an exception that is no std::exception");
    }
  }
  static void handle(void* self, duet_request* raw) {
    guarded(self, raw, [](H& handler, Request request) { handler.handle(request); });
  }
  static void readable(void* self, duet_request* raw) {
    guarded(self, raw, [](auto& handler, Request request) { handler.readable(request); });
  }
  static void writable(void* self, duet_request* raw) {
    guarded(self, raw, [](auto& handler, Request request) { handler.writable(request); });
  }
  static void aborted(void* self, duet_request_id id) {
    static_cast<Adapter*>(self)->handler.aborted(id);
  }
};

template <class H>
constexpr duet_body body_mode() {
  if constexpr (requires { H::kStreamsBody; }) {
    return H::kStreamsBody ? DUET_BODY_STREAM : DUET_BODY_WHOLE;
  } else {
    return DUET_BODY_WHOLE;
  }
}

template <class H>
constexpr duet_plugin table(const char* name, const char* version) {
  using A = Adapter<H>;
  duet_plugin plugin{};
  plugin.major = DUET_PLUGIN_MAJOR;
  plugin.minor = DUET_PLUGIN_MINOR;
  plugin.name = name;
  plugin.version = version;
  plugin.body = body_mode<H>();
  plugin.create = A::create;
  plugin.destroy = A::destroy;
  plugin.handle = A::handle;
  if constexpr (requires(H h, Request r) { h.readable(r); }) plugin.readable = A::readable;
  if constexpr (requires(H h, Request r) { h.writable(r); }) plugin.writable = A::writable;
  if constexpr (requires(H h, duet_request_id id) { h.aborted(id); }) plugin.aborted = A::aborted;
  return plugin;
}

}  // namespace detail
}  // namespace duet::sdk

// Makes the shared object a plug-in whose handler is `Class`. Once in a shared object.
#define DUET_PLUGIN_HANDLER(Class, name, version)                                            \
  extern "C" __attribute__((visibility("default"))) const duet_plugin* duet_plugin_entry() { \
    static constexpr duet_plugin plugin = ::duet::sdk::detail::table<Class>(name, version);  \
    return &plugin;                                                                          \
  }
