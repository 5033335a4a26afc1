#include "bindings/native/native_runtime.h"

#include <string>
#include <utility>
#include <vector>

#include "bindings/native/plugin_file.h"
#include "bindings/native/plugin_handler.h"
#include "host/base/check.h"

namespace duet {
namespace {

using native::open_plugin;
using native::PluginHandler;

class NativeRuntime final : public Runtime {
 public:
  ~NativeRuntime() override {
    for (const auto& handler : handlers_) handler->destroy();
  }

  std::string_view name() const override { return "native"; }

  std::vector<std::pair<std::string, std::string>> versions() const override {
    return {{"plug-in interface",
             std::to_string(DUET_PLUGIN_MAJOR) + "." + std::to_string(DUET_PLUGIN_MINOR)}};
  }

  Result<void> start(const RuntimeContext& context) override {
    context_ = context;
    return {};
  }

  void load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) override {
    done(load_now(spec));
  }

  // Nothing is shared between the requests of one read: no lock, no queue of continuations.
  void enter() noexcept override {}
  void leave() noexcept override {}

  void dispatch(std::uint32_t slot, Exchange& exchange) noexcept override {
    exchange.engine_data = slot;
    handlers_[slot]->handle(exchange);
  }

  void on_body(Exchange& exchange) noexcept override { handler(exchange).on_body(exchange); }
  void on_writable(Exchange& exchange) noexcept override {
    handler(exchange).on_writable(exchange);
  }
  void on_abort(Exchange& exchange, AbortReason) noexcept override {
    handler(exchange).on_abort(exchange);
  }
  void on_end(Exchange&) noexcept override {}

  // Machine code cannot be made to throw from outside; the watchdog has logged who holds the loop.
  void interrupt() noexcept override {}

  RuntimeUsage usage() const override { return {}; }

  void stop(Nanos, std::function<void()> done) override {
    for (const auto& handler : handlers_) handler->destroy();
    done();
  }

 private:
  PluginHandler& handler(Exchange& exchange) { return *handlers_[exchange.engine_data]; }

  Result<LoadedHandler> load_now(const HandlerSpec& spec) {
    DUET_CHECK(context_.loop != nullptr);
    Result<const duet_plugin*> plugin = open_plugin(spec.source);
    if (!plugin) return std::move(plugin).error();
    auto handler = std::make_unique<PluginHandler>(plugin.value(), spec, context_);
    Result<void> created = handler->create(spec);
    if (!created) return std::move(created).error();
    LoadedHandler loaded;
    loaded.slot = static_cast<std::uint32_t>(handlers_.size());
    loaded.wants_whole_body = handler->wants_whole_body();
    loaded.shape = "native";
    handlers_.push_back(std::move(handler));
    return loaded;
  }

  RuntimeContext context_;
  // Kept until the runtime goes: tasks may still be on their way to a handler that is destroyed.
  std::vector<std::unique_ptr<PluginHandler>> handlers_;
};

}  // namespace

// Kept by the process: tasks of plug-ins may outlive the loop.
Runtime* make_native_runtime() { return new NativeRuntime(); }

}  // namespace duet
