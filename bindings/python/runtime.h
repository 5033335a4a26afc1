// CPython behind the engine boundary: brings the interpreter up, loads handlers, dispatches.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bindings/python/engine.h"
#include "bindings/python/pool.h"
#include "bindings/python/pool_aborts.h"
#include "host/runtime.h"

namespace duet::python {

class PythonRuntime final : public Runtime, public LoopObserver {
 public:
  PythonRuntime();
  ~PythonRuntime() override;

  std::string_view name() const override { return "python"; }
  std::vector<std::pair<std::string, std::string>> versions() const override;
  Result<void> start(const RuntimeContext& context) override;
  void load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) override;
  void enter() noexcept override;
  void leave() noexcept override;
  void dispatch(std::uint32_t slot, Exchange& exchange) noexcept override;
  void interrupt() noexcept override;
  RuntimeUsage usage() const override;
  Result<void> inspect(const DebuggerOptions& options) override;
  void stop(Nanos deadline, std::function<void()> done) override;

  void on_body(Exchange& exchange) noexcept override;
  void on_writable(Exchange& exchange) noexcept override;
  void on_abort(Exchange& exchange, AbortReason reason) noexcept override;
  void on_end(Exchange& exchange) noexcept override;

  void before_poll() noexcept override;
  void after_poll() noexcept override;

 private:
  void loaded(std::size_t slot, const std::function<void(Result<LoadedHandler>)>& done);
  void finish_call(PyObject* result, PyObject* context, RequestObject* request,
                   const Handler& handler);
  void wait_until_drained(Nanos deadline, std::function<void()> done);
  void stop_lifespans(Nanos deadline, std::function<void()> done);
  void finish(Nanos deadline, std::function<void()> done);

  Pool& pool_of(const Handler& handler) {
    return handler.interface == Interface::kWsgi ? *applications_ : *blocking_;
  }

  std::unique_ptr<Pool> blocking_, applications_;
  std::unique_ptr<PoolAborts> aborts_;
  bool entered_ = false;
};

}  // namespace duet::python
