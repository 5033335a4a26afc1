#include "host/pipeline_experiments.h"

#include <utility>

#include "host/base/check.h"
#include "host/http/framework_pattern.h"

namespace duet {

namespace {

constexpr std::uint64_t kLookMilliseconds = 100;

experiment::Ending ending_of(const Exchange& exchange) {
  const measure::Timeline& timeline = exchange.timeline();
  experiment::Ending ending;
  ending.total = timeline.total();
  ending.cpu = timeline.spent(measure::Phase::kRun);
  ending.longest_slice = timeline.longest_slice();
  // Cut off by the host's own stop, or by a client that left before the answer, it says nothing of
  // its variant.
  const AbortReason reason = exchange.abort_reason();
  const bool unanswered = exchange.status() == 0 && reason != AbortReason::kClientGone;
  ending.failed = reason != AbortReason::kShutdown &&
                  (unanswered || exchange.status() >= 500 || exchange.broken_off());
  return ending;
}

}  // namespace

PipelineExperiments::PipelineExperiments(Loop& loop) : timer_(new uv_timer_t) {
  DUET_CHECK(uv_timer_init(loop.uv(), timer_) == 0);
  timer_->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(timer_));
}

PipelineExperiments::~PipelineExperiments() {
  timer_->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(timer_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
}

std::uint32_t PipelineExperiments::add(std::unique_ptr<experiment::Live> live) {
  auto one = std::make_unique<One>();
  for (const std::string& variant : live->spec().spec.variants) {
    one->fields.push_back(Assignment::field_of(variant));
  }
  one->live = std::move(live);
  all_.push_back(std::move(one));
  return static_cast<std::uint32_t>(all_.size() - 1);
}

std::uint32_t PipelineExperiments::attach(std::uint32_t number, std::vector<HandlerInfo> infos) {
  const experiment::LiveSpec& spec = all_[number]->live->spec();
  DUET_CHECK(infos.size() == spec.variants.size());
  Attached& attached = attached_.emplace_back();
  attached.number = number;
  for (std::size_t v = 0; v < infos.size(); ++v) {
    attached.infos.push_back(std::move(infos[v]));
    attached.targets.push_back({spec.variants[v].handler_index, &attached.infos.back()});
  }
  return static_cast<std::uint32_t>(attached_.size() - 1);
}

void PipelineExperiments::attach_route(std::uint32_t route, std::uint32_t number,
                                       std::vector<HandlerInfo> infos) {
  if (by_route_.size() <= route) by_route_.resize(route + 1, nullptr);
  by_route_[route] = &attached_[attach(number, std::move(infos))];
}

Result<void> PipelineExperiments::attach_application(const HandlerSpec& handler,
                                                     std::string_view pattern, std::uint32_t number,
                                                     std::vector<HandlerInfo> infos) {
  Application& application = applications_[handler.index];
  application.root_path = handler.root_path;
  const std::uint32_t target = attach(number, std::move(infos));
  return application.router.add({}, http::from_framework_pattern(pattern), target);
}

const PipelineExperiments::Attached* PipelineExperiments::inside(const Exchange& exchange,
                                                                 measure::HandlerIndex handler) {
  const auto found = applications_.find(handler);
  if (found == applications_.end()) return nullptr;
  const Application& application = found->second;
  std::string_view path = exchange.head().path();
  if (!path.starts_with(application.root_path)) return nullptr;
  path.remove_prefix(application.root_path.size());
  application.router.match(exchange.head().method_text(), path, match_);
  if (match_.kind != http::RouteMatch::Kind::kFound) return nullptr;
  return &attached_[match_.target];
}

const PipelineExperiments::Target* PipelineExperiments::choose(Exchange& exchange,
                                                               std::uint32_t route,
                                                               measure::HandlerIndex handler) {
  const Attached* attached = route < by_route_.size() ? by_route_[route] : nullptr;
  if (attached == nullptr && !applications_.empty()) attached = inside(exchange, handler);
  if (attached == nullptr) return nullptr;
  One& one = *all_[attached->number];
  Assignment& assignment = exchange.assignment();
  const experiment::LiveSpec& spec = one.live->spec();
  std::string_view address;  // costs a call, and few want it
  if (spec.key == experiment::KeySource::kAddress) address = exchange.transport().remote_address();
  const experiment::Live::Choice choice =
      one.live->choose(exchange.head(), address, exchange.timeline().arrival(), assignment.key,
                       assignment.set_cookie);
  assignment.experiment = attached->number;
  assignment.variant = static_cast<std::uint16_t>(choice.variant);
  assignment.counted = choice.counted;
  assignment.ticket = choice.ticket;
  assignment.field = one.fields[choice.variant];
  wake();
  if (on_chosen) on_chosen(exchange);
  return &attached->targets[choice.variant];
}

void PipelineExperiments::over(const Exchange& exchange) noexcept {
  const Assignment& assignment = exchange.assignment();
  if (!assignment.counted) return;
  experiment::Live& live = *all_[assignment.experiment]->live;
  live.ended({assignment.variant, true, assignment.ticket}, ending_of(exchange));
  if (live.urgent()) look_at(live, now());
  wake();
}

void PipelineExperiments::wake() {
  if (running_) return;
  running_ = true;
  uv_timer_start(
      timer_,
      [](uv_timer_t* timer) {
        if (timer->data != nullptr) static_cast<PipelineExperiments*>(timer->data)->look();
      },
      kLookMilliseconds, kLookMilliseconds);
}

void PipelineExperiments::look_at(experiment::Live& live, Nanos at) {
  for (const experiment::Decision& decision : live.look(at)) {
    if (on_decision) on_decision(live, decision);
  }
}

void PipelineExperiments::look() {
  const Nanos at = now();
  bool more = false;
  for (const auto& one : all_) {
    if (!one->live->needs_look()) continue;
    more = true;
    look_at(*one->live, at);
  }
  if (on_looked && on_looked(at)) more = true;
  if (more) return;
  uv_timer_stop(timer_);
  running_ = false;
}

experiment::Live* PipelineExperiments::find(std::string_view name) {
  for (const auto& one : all_) {
    if (one->live->spec().spec.name == name) return one->live.get();
  }
  return nullptr;
}

}  // namespace duet
