// One configured handler of a plug-in: its instance, and the host table that it was given.
#pragma once

#include <string>

#include "host/runtime.h"
#include "plugins/api/duet_plugin.h"

namespace duet::native {

// A duet_request* of the interface is an Exchange*.
inline duet_request* to_request(Exchange& exchange) {
  return reinterpret_cast<duet_request*>(&exchange);
}

// Loop's thread, save the functions of host() that the interface opens to any. Never freed while
// the runtime lives: tasks that were posted late look at alive().
class PluginHandler {
 public:
  PluginHandler(const duet_plugin* plugin, const HandlerSpec& spec, const RuntimeContext& context);
  PluginHandler(const PluginHandler&) = delete;
  PluginHandler& operator=(const PluginHandler&) = delete;

  // Creates the instance. Errors: the plug-in refused, or threw.
  Result<void> create(const HandlerSpec& spec);
  // Destroys it: afterwards tasks are cancelled. Idempotent.
  void destroy() noexcept;

  // The calls into the plug-in, each in a slice of the ledger.
  void handle(Exchange& exchange) noexcept;
  void on_body(Exchange& exchange) noexcept;
  void on_writable(Exchange& exchange) noexcept;
  void on_abort(Exchange& exchange) noexcept;

  bool alive() const { return self_ != nullptr; }
  bool wants_whole_body() const { return plugin_->body == DUET_BODY_WHOLE; }
  const std::string& name() const { return name_; }

 private:
  // First member of its table, so that a duet_host* leads back to the handler.
  struct HostTable {
    duet_host host;
    PluginHandler* handler;
  };
  class Task;

  static PluginHandler& of(const duet_host* host) {
    return *reinterpret_cast<const HostTable*>(host)->handler;
  }
  static void log_message(const duet_host* host, duet_level level, duet_str message);
  static void post(const duet_host* host, duet_task task, void* arg);
  static void after(const duet_host* host, std::uint64_t milliseconds, duet_task task, void* arg);
  static duet_request* find(const duet_host* host, duet_request_id id);

  template <class Call>
  void in_slice(Exchange& exchange, Call call) noexcept;

  HostTable table_;
  const duet_plugin* plugin_;
  void* self_ = nullptr;
  RuntimeContext context_;
  std::string name_;
  measure::HandlerIndex index_;
};

}  // namespace duet::native
