#include "host/upstream/upstream_runtime.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/base/check.h"
#include "host/base/service_url.h"
#include "host/upstream/call.h"
#include "host/upstream/origin.h"

namespace duet {
namespace {

using upstream::Call;
using upstream::Origin;

constexpr std::size_t kReadBuffer = 64 * 1024;

// The exchange's word of the engine is its call.
Call* call_of(const Exchange& exchange) { return reinterpret_cast<Call*>(exchange.engine_data); }

class UpstreamRuntime final : public Runtime {
 public:
  std::string_view name() const override { return "http"; }
  std::vector<std::pair<std::string, std::string>> versions() const override { return {}; }

  Result<void> start(const RuntimeContext& context) override {
    shared_ = {context.loop, context.ledger, std::string(kReadBuffer, '\0')};
    return {};
  }

  void load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) override {
    DUET_CHECK(shared_.loop != nullptr);
    auto url = ServiceUrl::parse(spec.source);
    if (!url) return done(std::move(url).error());
    LoadedHandler loaded;
    loaded.slot = static_cast<std::uint32_t>(origins_.size());
    loaded.takes_any_body = true;
    loaded.shape = "http";
    origins_.push_back(std::make_unique<Origin>(shared_, std::move(url).value(), spec));
    done(loaded);
  }

  void enter() noexcept override {}
  void leave() noexcept override {}

  void dispatch(std::uint32_t slot, Exchange& exchange) noexcept override {
    auto call = std::make_unique<Call>(*origins_[slot], exchange);
    Call& started = *call;
    exchange.engine_data = reinterpret_cast<std::uint64_t>(call.release());
    started.start();
  }

  void on_body(Exchange& exchange) noexcept override { call_of(exchange)->on_body(); }
  void on_writable(Exchange& exchange) noexcept override { call_of(exchange)->on_writable(); }
  void on_abort(Exchange& exchange, AbortReason) noexcept override {
    call_of(exchange)->on_abort();
  }
  void on_end(Exchange& exchange) noexcept override {
    delete call_of(exchange);
    exchange.engine_data = 0;
  }

  // Nothing of a service's runs on this loop.
  void interrupt() noexcept override {}
  RuntimeUsage usage() const override { return {}; }

  void stop(Nanos, std::function<void()> done) override {
    for (const auto& origin : origins_) origin->stop();
    origins_.clear();  // every exchange is over; their timers leave the loop
    done();
  }

 private:
  upstream::Shared shared_{};
  std::vector<std::unique_ptr<Origin>> origins_;
};

}  // namespace

Runtime* make_upstream_runtime() { return new UpstreamRuntime(); }

}  // namespace duet
