#include "bindings/native/plugin_handler.h"

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/native/request_functions.h"
#include "host/base/log.h"

namespace duet::native {
namespace {

// What was thrown, for a message. Inside a catch block only.
std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

// A plug-in's task on its way to the loop. Runs or cancels it exactly once, whatever becomes of it.
class PluginHandler::Task {
 public:
  Task(PluginHandler* handler, duet_task task, void* arg)
      : handler_(handler), task_(task), arg_(arg) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    // Dropped with the loop: the handler may be gone already.
    if (task_ != nullptr) task_(arg_, 1);
  }

  void run() noexcept {
    const duet_task task = std::exchange(task_, nullptr);
    if (!handler_->alive()) {
      task(arg_, 1);
      return;
    }
    measure::Ledger& ledger = *handler_->context_.ledger;
    ledger.begin(handler_->index_, nullptr);
    try {
      task(arg_, 0);
    } catch (...) {
      log::error("a plug-in's task threw",
                 {{"handler", handler_->name_}, {"error", current_exception_text()}});
    }
    ledger.end(measure::Phase::kAwait);
  }

 private:
  PluginHandler* handler_;
  duet_task task_;
  void* arg_;
};

PluginHandler::PluginHandler(const duet_plugin* plugin, const HandlerSpec& spec,
                             const RuntimeContext& context)
    : table_{}, plugin_(plugin), context_(context), name_(spec.name), index_(spec.index) {
  table_.handler = this;
  table_.host.major = DUET_PLUGIN_MAJOR;
  table_.host.minor = DUET_PLUGIN_MINOR;
  table_.host.log = log_message;
  table_.host.post = post;
  table_.host.after = after;
  table_.host.find = find;
  add_request_functions(table_.host);
}

Result<void> PluginHandler::create(const HandlerSpec& spec) {
  std::vector<duet_field> env;
  env.reserve(spec.env.size());
  for (const auto& [name, value] : spec.env) env.push_back({to_str(name), to_str(value)});
  const duet_setup setup{to_str(spec.name), to_str(spec.root), env.data(), env.size()};
  std::string reason;
  try {
    duet_str why{nullptr, 0};
    self_ = plugin_->create(&table_.host, &setup, &why);
    if (self_ != nullptr) return {};
    reason = why.size == 0 ? "it gave no reason" : std::string(to_view(why));
  } catch (...) {
    reason = current_exception_text();
  }
  return Error{"the plug-in " + std::string(plugin_->name) + " " + plugin_->version +
                   " refused to start: " + reason,
               spec.source,
               "see the handler's env in the configuration",
               {}};
}

void PluginHandler::destroy() noexcept {
  void* self = std::exchange(self_, nullptr);
  if (self == nullptr) return;
  try {
    plugin_->destroy(self);
  } catch (...) {
    log::error("a plug-in's destroy() threw",
               {{"handler", name_}, {"error", current_exception_text()}});
  }
}

// The try costs nothing until something is thrown; a plug-in without the SDK must not end the host.
template <class Call>
void PluginHandler::in_slice(Exchange& exchange, Call call) noexcept {
  const ExchangeId id = exchange.id();
  context_.ledger->begin(index_, &exchange.timeline());
  try {
    call();
  } catch (...) {
    const Error error{current_exception_text(), {}, {}, {}};
    Exchange* open = context_.exchanges->find(id);
    if (open != nullptr && !open->complete()) {
      open->fail(error);
    } else {
      log::error("a plug-in threw after it had answered",
                 {{"handler", name_}, {"error", error.message}});
    }
  }
  context_.ledger->end(measure::Phase::kAwait);
}

void PluginHandler::handle(Exchange& exchange) noexcept {
  in_slice(exchange, [&] { plugin_->handle(self_, to_request(exchange)); });
}

void PluginHandler::on_body(Exchange& exchange) noexcept {
  if (plugin_->readable == nullptr || !alive()) return;
  in_slice(exchange, [&] { plugin_->readable(self_, to_request(exchange)); });
}

void PluginHandler::on_writable(Exchange& exchange) noexcept {
  if (plugin_->writable == nullptr || !alive()) return;
  in_slice(exchange, [&] { plugin_->writable(self_, to_request(exchange)); });
}

void PluginHandler::on_abort(Exchange& exchange) noexcept {
  if (plugin_->aborted == nullptr || !alive()) return;
  in_slice(exchange, [&] { plugin_->aborted(self_, exchange.id()); });
}

void PluginHandler::log_message(const duet_host* host, duet_level level, duet_str message) {
  const log::Level to = level == DUET_DEBUG  ? log::Level::kDebug
                        : level == DUET_INFO ? log::Level::kInfo
                        : level == DUET_WARN ? log::Level::kWarn
                                             : log::Level::kError;
  log::write(to, to_view(message), {{"handler", of(host).name_}, {"language", "native"}});
}

void PluginHandler::post(const duet_host* host, duet_task task, void* arg) {
  PluginHandler& self = of(host);
  // Shared, since std::function wants what it holds to be copyable.
  self.context_.loop->post([owned = std::make_shared<Task>(&self, task, arg)] { owned->run(); });
}

void PluginHandler::after(const duet_host* host, std::uint64_t milliseconds, duet_task task,
                          void* arg) {
  PluginHandler& self = of(host);
  self.context_.loop->after(static_cast<Nanos>(milliseconds) * kMillisecond,
                            [owned = std::make_shared<Task>(&self, task, arg)] { owned->run(); });
}

duet_request* PluginHandler::find(const duet_host* host, duet_request_id id) {
  PluginHandler& self = of(host);
  Exchange* exchange = self.context_.exchanges->find(id);
  if (exchange == nullptr || exchange->complete() || exchange->aborted()) return nullptr;
  if (exchange->handler() != self.index_) return nullptr;  // not this handler's to answer
  // A task goes on with this request: what follows is its run phase.
  measure::Ledger& ledger = *self.context_.ledger;
  if (ledger.current() == nullptr && ledger.current_handler() == self.index_) {
    ledger.begin(self.index_, &exchange->timeline());
  }
  return to_request(*exchange);
}

}  // namespace duet::native
