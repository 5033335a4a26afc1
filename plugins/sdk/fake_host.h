// A host for the tests of plug-in authors: requests go in, answers come out, no socket, no process.
//
//   duet::sdk::FakeHost host;
//   ASSERT_TRUE(host.load(duet_plugin_entry()));            // link the plug-in's source into the
//   test auto& answer = host.send({.method = "GET", .path = "/countries/PT", .params = {{"code",
//   "PT"}}}); host.run();                                             // what was posted, and
//   timers in order EXPECT_EQ(answer.status, 200);
//
// Timers do not wait: run() advances a clock of its own. One thread, save post() and log().
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/api/duet_plugin.h"

namespace duet::sdk {

struct FakeRequest {
  std::string method = "GET";
  std::string path = "/";
  std::string query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::vector<std::pair<std::string, std::string>> params = {};
  std::string body = {};
};

// What the plug-in made of a request. `body` grows while it streams.
struct FakeAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool complete = false;  // answered to the end
  std::string failure;    // what fail() was told; status is then 500 (unless started before)

  std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (same(key, name)) return value;
    }
    return {};
  }
  static bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      };
      if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
  }
};

class FakeHost {
 public:
  FakeHost() {
    table_.host = {DUET_PLUGIN_MAJOR,
                   DUET_PLUGIN_MINOR,
                   log_message,
                   post,
                   after,
                   find,
                   id,
                   method,
                   path,
                   query,
                   header,
                   param,
                   body,
                   read,
                   respond,
                   start,
                   write,
                   end,
                   fail};
    table_.self = this;
  }
  ~FakeHost() {
    unload();
    for (const Task& task : std::exchange(posted_, {})) task.run(task.arg, 1);
    for (const auto& [when, task] : timers_) task.run(task.arg, 1);
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // Creates the handler. False when it refuses; why() tells the reason.
  bool load(const duet_plugin* plugin,
            const std::vector<std::pair<std::string, std::string>>& env = {}) {
    plugin_ = plugin;
    std::vector<duet_field> fields;
    for (const auto& [name, value] : env) fields.push_back({str(name), str(value)});
    const duet_setup setup{str("test"), str("/"), fields.data(), fields.size()};
    duet_str why{nullptr, 0};
    self_ = plugin->create(&table_.host, &setup, &why);
    why_ = std::string(view(why));
    return self_ != nullptr;
  }
  void unload() {
    if (self_ != nullptr) plugin_->destroy(self_);
    self_ = nullptr;
  }
  const std::string& why() const { return why_; }

  // Hands a request to the handler. The answer stays valid as long as the host.
  FakeAnswer& send(FakeRequest request) {
    Open& open = *requests_.emplace_back(std::make_unique<Open>());
    open.owner = this;
    open.id = requests_.size();
    open.request = std::move(request);
    plugin_->handle(self_, raw(open));
    return open.answer;
  }
  // Gives streamed bodies in pieces of this many bytes; 0 (the default): in one. After each piece
  // the next read() says DUET_WAIT, and run() calls readable().
  void set_piece_size(std::size_t bytes) { piece_size_ = bytes; }
  // After so many bytes of an answer write() says DUET_WAIT, and run() calls writable(). 0: never.
  void set_window(std::size_t bytes) { window_ = bytes; }
  // The client of the request that gave `answer` goes away.
  void abort(const FakeAnswer& answer) {
    for (const auto& open : requests_) {
      if (&open->answer != &answer || open->over()) continue;
      open->aborted = true;
      if (plugin_->aborted != nullptr) plugin_->aborted(self_, open->id);
    }
  }

  // Runs what was posted, timers and callbacks that are due, until nothing is left.
  void run() {
    while (run_one()) {
    }
  }
  // For handlers with threads: as run(), until `answer` is complete or the time is over.
  bool run_until(const FakeAnswer& answer,
                 std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!answer.complete) {
      if (run_one()) continue;
      std::unique_lock lock(mutex_);
      if (!wake_.wait_until(lock, deadline, [&] { return !posted_.empty(); })) return false;
    }
    return true;
  }
  std::vector<std::string> log() const {
    std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  struct Task {
    duet_task run;
    void* arg;
  };
  struct Open {
    FakeHost* owner = nullptr;
    duet_request_id id = 0;
    FakeRequest request;
    FakeAnswer answer;
    std::size_t read = 0, since_wait = 0;
    bool gave = false, waits_to_read = false, waits_to_write = false, aborted = false;
    bool over() const { return aborted || answer.complete; }
  };
  // The table comes first, so that a duet_host* leads to its owner.
  struct Table {
    duet_host host;
    FakeHost* self;
  };

  static duet_str str(std::string_view text) { return {text.data(), text.size()}; }
  static std::string_view view(duet_str text) { return {text.data, text.size}; }
  static FakeHost& of(const duet_host* host) { return *reinterpret_cast<const Table*>(host)->self; }
  static Open& of(const duet_request* request) {
    return *const_cast<Open*>(reinterpret_cast<const Open*>(request));
  }
  static duet_request* raw(Open& open) { return reinterpret_cast<duet_request*>(&open); }

  bool run_one() {
    Task task{};
    {
      std::lock_guard lock(mutex_);
      if (!posted_.empty()) {
        task = posted_.front();
        posted_.pop_front();
      }
    }
    if (task.run != nullptr) {
      task.run(task.arg, 0);
      return true;
    }
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      Open& open = *requests_[i];
      if (open.over()) continue;
      if (std::exchange(open.waits_to_read, false)) {
        if (plugin_->readable != nullptr) plugin_->readable(self_, raw(open));
        return true;
      }
      if (std::exchange(open.waits_to_write, false)) {
        open.since_wait = 0;
        if (plugin_->writable != nullptr) plugin_->writable(self_, raw(open));
        return true;
      }
    }
    if (timers_.empty()) return false;
    auto first = timers_.begin();
    now_ = first->first;
    task = first->second;
    timers_.erase(first);
    task.run(task.arg, 0);
    return true;
  }

  static void log_message(const duet_host* host, duet_level, duet_str message) {
    std::lock_guard lock(of(host).mutex_);
    of(host).log_.emplace_back(view(message));
  }
  static void post(const duet_host* host, duet_task task, void* arg) {
    std::lock_guard lock(of(host).mutex_);
    of(host).posted_.push_back({task, arg});
    of(host).wake_.notify_all();
  }
  static void after(const duet_host* host, std::uint64_t milliseconds, duet_task task, void* arg) {
    of(host).timers_.insert({of(host).now_ + milliseconds, {task, arg}});
  }
  static duet_request* find(const duet_host* host, duet_request_id id) {
    FakeHost& self = of(host);
    if (id == 0 || id > self.requests_.size()) return nullptr;
    Open& open = *self.requests_[id - 1];
    return open.over() ? nullptr : raw(open);
  }
  static duet_request_id id(const duet_request* request) { return of(request).id; }
  static duet_str method(const duet_request* r) { return str(of(r).request.method); }
  static duet_str path(const duet_request* r) { return str(of(r).request.path); }
  static duet_str query(const duet_request* r) { return str(of(r).request.query); }
  static duet_str body(const duet_request* r) { return str(of(r).request.body); }
  static duet_str header(const duet_request* request, duet_str name) {
    for (const auto& [key, value] : of(request).request.headers) {
      if (FakeAnswer::same(key, view(name))) return str(value);
    }
    return {nullptr, 0};
  }
  static duet_str param(const duet_request* request, duet_str name) {
    for (const auto& [key, value] : of(request).request.params) {
      if (key == view(name)) return str(value);
    }
    return {nullptr, 0};
  }
  static duet_status read(duet_request* request, duet_str* piece) {
    Open& open = of(request);
    const std::string& body = open.request.body;
    if (open.over() || open.read == body.size()) return DUET_END;
    const std::size_t limit = open.owner->piece_size_;
    if (limit != 0 && std::exchange(open.gave, !open.gave)) {
      open.waits_to_read = true;
      return DUET_WAIT;
    }
    const std::size_t left = body.size() - open.read;
    const std::size_t size = limit == 0 || left < limit ? left : limit;
    *piece = {body.data() + open.read, size};
    open.read += size;
    return DUET_OK;
  }
  static int respond(duet_request* request, int status, const duet_field* fields, std::size_t count,
                     duet_str body) {
    if (start(request, status, fields, count) != 0) return 1;
    of(request).answer.body = std::string(view(body));
    of(request).answer.complete = true;
    return 0;
  }
  static int start(duet_request* request, int status, const duet_field* fields, std::size_t count) {
    Open& open = of(request);
    if (open.over() || open.answer.status != 0) return 1;
    if (status < 200 || status > 599) {
      fail(request, str("status " + std::to_string(status) + " is outside 200 to 599"));
      return 1;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (view(fields[i].value).find_first_of(std::string_view("\r\n\0", 3)) !=
          std::string_view::npos) {
        fail(request, str("a header value has CR, LF or NUL"));
        return 1;
      }
    }
    open.answer.status = status;
    for (std::size_t i = 0; i < count; ++i) {
      open.answer.headers.emplace_back(view(fields[i].name), view(fields[i].value));
    }
    return 0;
  }
  static duet_status write(duet_request* request, duet_str piece) {
    Open& open = of(request);
    if (open.over() || open.answer.status == 0) return DUET_END;
    open.answer.body += view(piece);
    open.since_wait += piece.size;
    if (open.owner->window_ == 0 || open.since_wait < open.owner->window_) return DUET_OK;
    open.waits_to_write = true;
    return DUET_WAIT;
  }
  static void end(duet_request* request) {
    if (of(request).answer.status != 0) of(request).answer.complete = true;
  }
  static void fail(duet_request* request, duet_str message) {
    Open& open = of(request);
    if (open.over()) return;
    if (open.answer.status == 0) open.answer.status = 500;
    open.answer.failure = std::string(view(message));
    open.answer.complete = true;
  }

  Table table_{};
  const duet_plugin* plugin_ = nullptr;
  void* self_ = nullptr;
  std::string why_;
  std::deque<std::unique_ptr<Open>> requests_;
  std::multimap<std::uint64_t, Task> timers_;  // by due time of now_'s clock, milliseconds
  std::uint64_t now_ = 0;
  std::size_t piece_size_ = 0, window_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Task> posted_;
  std::vector<std::string> log_;
};

}  // namespace duet::sdk
