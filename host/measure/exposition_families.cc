// Which metrics there are: one function a subject, in the order of the page.
#include <array>
#include <string>

#include "host/measure/exposition.h"

namespace duet::measure {
namespace {

using Type = ExpositionWriter::Type;
using Labels = ExpositionWriter::Labels;

double seconds(Nanos nanos) { return static_cast<double>(nanos) / 1e9; }

// `buckets` made cumulative and written.
template <const auto& kBounds>
void write_buckets(ExpositionWriter& out, const Labels& labels, const Buckets<kBounds>& buckets,
                   double divisor, const ExpositionWriter::More& more = {}) {
  std::array<std::uint64_t, kBounds.size()> cumulative;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) cumulative[i] = seen += buckets.in(i);
  seen += buckets.in(kBounds.size());
  out.histogram(labels, kBounds, cumulative, seen, static_cast<double>(buckets.sum()), divisor,
                more);
}

template <std::size_t kSize>
void write_histogram(ExpositionWriter& out, const Labels& labels, const Histogram& histogram,
                     std::uint64_t zeros, const std::array<Nanos, kSize>& bounds) {
  std::array<std::uint64_t, kSize> cumulative;
  histogram.cumulate(bounds, cumulative);
  for (std::uint64_t& count : cumulative) count += zeros;
  NativeBuckets native;
  if (out.has_native()) native = native_of(histogram, zeros);
  out.histogram(labels, bounds, cumulative, histogram.count() + zeros,
                static_cast<double>(histogram.sum()), 1e9, {{}, &native});
}

// Calls `write(labels, series)` for every series of every route, then of what was not routed.
template <class Write>
void each_series(const Metrics& metrics, Write write) {
  const auto of_route = [&](const RouteStats& stats, std::string_view route,
                            std::string_view handler, std::string_view language) {
    for (const Series& series : stats.series()) {
      const std::string status = series.overflow      ? "other"
                                 : series.status == 0 ? ""
                                                      : std::to_string(series.status);
      write(
          Labels{{"http_request_method", series.overflow ? "_OTHER" : kMethodNames[series.method]},
                 {"http_response_status_code", status},
                 {"http_route", route},
                 {"url_scheme", "http"},
                 {"duet_handler", handler},
                 {"duet_language", language}},
          series);
    }
  };
  for (const Metrics::Route& route : metrics.routes()) {
    const HandlerLabels& labels = metrics.handlers()[route.handler].labels;
    of_route(route.stats, route.pattern, labels.name, labels.language);
  }
  for (const auto& route : metrics.inner_routes()) {
    const HandlerLabels& labels = metrics.handlers()[route->handler].labels;
    of_route(route->series, route->pattern, labels.name, labels.language);
  }
  of_route(metrics.unrouted_series(), {}, {}, {});
}

void requests(ExpositionWriter& out, const Metrics& metrics, const Snapshot& shot) {
  out.family("http_server_request_duration_seconds", Type::kHistogram, "seconds",
             "From the arrival of a request's head to the last byte accepted by the kernel.");
  each_series(metrics, [&](const Labels& labels, const Series& series) {
    ExpositionWriter::More more{{}, &series.native};
    if (series.exemplars != nullptr) more.exemplars = *series.exemplars;
    write_buckets(out, labels, series.duration, 1e9, more);
  });
  out.family("http_server_active_requests", Type::kGauge, "", "Requests that are not over.");
  for (const HandlerSnapshot& handler : shot.handlers) {
    out.sample({{"duet_handler", handler.labels.name}, {"duet_language", handler.labels.language}},
               static_cast<double>(handler.in_flight));
  }
  out.family("http_server_request_body_size_bytes", Type::kHistogram, "bytes",
             "Bytes of request bodies.");
  each_series(metrics, [&](const Labels& labels, const Series& series) {
    write_buckets(out, labels, series.request_body, 1);
  });
  out.family("http_server_response_body_size_bytes", Type::kHistogram, "bytes",
             "Bytes of response bodies.");
  each_series(metrics, [&](const Labels& labels, const Series& series) {
    write_buckets(out, labels, series.response_body, 1);
  });
}

void phases(ExpositionWriter& out, const Metrics& metrics) {
  out.family("duet_phase_seconds", Type::kHistogram, "seconds",
             "Wall time of requests by phase; requests that spent none in it count as 0.");
  for (const Metrics::Handler& handler : metrics.handlers()) {
    for (int i = 0; i < kPhases; ++i) {
      const auto phase = static_cast<Phase>(i);
      const Histogram& histogram = handler.stats.phase(phase);
      if (histogram.count() == 0) continue;  // a phase that this handler never had
      write_histogram(out, {{"handler", handler.labels.name}, {"phase", phase_name(phase)}},
                      histogram, handler.stats.zeros(histogram), kPhaseBounds);
    }
  }
  if (!metrics.inner_routes().empty()) {
    out.family("duet_route_phase_seconds", Type::kHistogram, "seconds",
               "As duet_phase_seconds, by the routes inside applications.");
    for (const auto& route : metrics.inner_routes()) {
      const Labels labels{{"handler", metrics.handlers()[route->handler].labels.name},
                          {"method", kMethodNames[route->method]},
                          {"route", route->pattern}};
      for (int i = 0; i < kPhases; ++i) {
        const auto phase = static_cast<Phase>(i);
        const Histogram& histogram = route->stats.phase(phase);
        if (histogram.count() == 0) continue;
        Labels with_phase = labels;
        with_phase.emplace_back("phase", phase_name(phase));
        write_histogram(out, with_phase, histogram, route->stats.zeros(histogram), kPhaseBounds);
      }
    }
  }
  out.family("duet_unaccounted_seconds", Type::kHistogram, "seconds",
             "Time of requests that no phase explains.");
  for (const Metrics::Handler& handler : metrics.handlers()) {
    const Histogram& histogram = handler.stats.unaccounted();
    write_histogram(out, {{"handler", handler.labels.name}}, histogram,
                    handler.stats.zeros(histogram), kPhaseBounds);
  }
  out.family("duet_request_gc_seconds", Type::kHistogram, "seconds",
             "The collector's pauses in the run phase of requests.");
  for (const Metrics::Handler& handler : metrics.handlers()) {
    const Histogram& histogram = handler.stats.gc();
    write_histogram(out, {{"handler", handler.labels.name}}, histogram,
                    handler.stats.zeros(histogram), kPhaseBounds);
  }
}

void endings(ExpositionWriter& out, const Snapshot& shot) {
  const auto counter = [&](std::string_view name, std::string_view help, auto value) {
    out.family(name, Type::kCounter, "", help);
    for (const HandlerSnapshot& handler : shot.handlers) {
      out.sample({{"handler", handler.labels.name}}, value(handler));
    }
  };
  counter("duet_timeouts", "Requests answered 504 at their deadline.",
          [](const HandlerSnapshot& h) { return h.timeouts; });
  counter("duet_clients_gone", "Requests whose client left before the answer was complete.",
          [](const HandlerSnapshot& h) { return h.clients_gone; });
  counter("duet_coalesced_arrivals",
          "Requests whose arrival is a latest bound: their read may have carried several segments.",
          [](const HandlerSnapshot& h) { return h.coalesced; });
}

void blame(ExpositionWriter& out, const Snapshot& shot) {
  out.family("duet_blame_seconds", Type::kCounter, "seconds",
             "Time that requests of `waiting` waited because `holding` had the loop.");
  for (const HandlerSnapshot& waiting : shot.handlers) {
    for (std::size_t i = 0; i < waiting.waited_for.size(); ++i) {
      // Only pairs that happened: the matrix is quadratic.
      if (waiting.waited_for[i] == 0) continue;
      out.sample({{"waiting", waiting.labels.name}, {"holding", shot.handlers[i].labels.name}},
                 seconds(waiting.waited_for[i]));
    }
  }
}

void cpu(ExpositionWriter& out, const Snapshot& shot) {
  out.family("duet_cpu_seconds", Type::kCounter, "seconds",
             "CPU time of handlers: run (their code on the loop), host (reading, parsing and "
             "writing for them), pool (their code in threads).");
  for (const HandlerSnapshot& handler : shot.handlers) {
    const std::string_view name = handler.labels.name;
    out.sample({{"handler", name}, {"part", "run"}}, seconds(handler.run_cpu));
    out.sample({{"handler", name}, {"part", "host"}}, seconds(handler.host_cpu));
    out.sample({{"handler", name}, {"part", "pool"}}, seconds(handler.pool_cpu));
  }
  out.family("duet_engine_cpu_seconds", Type::kCounter, "seconds",
             "CPU time of the engines' own threads.");
  for (const EngineSnapshot& engine : shot.engines) {
    out.sample({{"engine", engine.name}}, seconds(engine.background_cpu));
  }
  out.family("duet_unattributed_cpu_seconds", Type::kCounter, "seconds",
             "The rest of the process's CPU time: loop (its thread outside any handler's work), "
             "start (that thread before serving), other (other threads).");
  out.sample({{"part", "loop"}}, seconds(shot.cpu.loop));
  out.sample({{"part", "start"}}, seconds(shot.cpu.starting));
  out.sample({{"part", "other"}}, seconds(std::max<Nanos>(0, shot.cpu.other)));
}

void loop(ExpositionWriter& out, const Metrics& metrics) {
  out.family("duet_loop_iteration_seconds", Type::kHistogram, "seconds",
             "Work of the loop between two waits: how late an event can be noticed.");
  write_histogram(out, {}, metrics.loop_meter().iterations(), 0, kPhaseBounds);
}

void engines(ExpositionWriter& out, const Snapshot& shot) {
  const auto find = [&](std::string_view name) -> const EngineSnapshot* {
    for (const EngineSnapshot& engine : shot.engines) {
      if (engine.name == name) return &engine;
    }
    return nullptr;
  };
  const auto bytes = [&](std::string_view name, std::int64_t value, std::string_view help) {
    if (value < 0) return;
    out.family(name, Type::kGauge, "bytes", help);
    out.sample({}, static_cast<double>(value));
  };
  const auto collector = [&](const EngineSnapshot& engine, std::string_view runs,
                             std::string_view time) {
    if (engine.gc_count >= 0) {
      out.family(runs, Type::kCounter, "", "Runs of the collector.");
      out.sample({}, static_cast<std::uint64_t>(engine.gc_count));
    }
    if (engine.gc_time >= 0) {
      out.family(time, Type::kCounter, "seconds", "Time in the collector.");
      out.sample({}, seconds(engine.gc_time));
    }
  };
  if (const EngineSnapshot* node = find("javascript")) {
    bytes("nodejs_heap_size_used_bytes", node->heap_used, "JavaScript heap in use.");
    bytes("nodejs_heap_size_total_bytes", node->heap_total, "JavaScript heap reserved.");
    bytes("nodejs_heap_size_limit_bytes", node->heap_limit, "JavaScript heap at most.");
    collector(*node, "nodejs_gc_runs", "nodejs_gc_seconds");
  }
  if (const EngineSnapshot* python = find("python")) {
    collector(*python, "python_gc_collections", "python_gc_seconds");
  }
}

// Labels are as many as the configuration has experiments and variants.
void experiments(ExpositionWriter& out, const Snapshot& shot) {
  if (shot.experiments.empty()) return;
  const auto each = [&](auto write) {
    for (const ExperimentFigures& one : shot.experiments) {
      for (const VariantFigures& variant : one.variants) {
        write(Labels{{"experiment", one.experiment},
                     {"variant", variant.variant},
                     {"handler", variant.handler}},
              variant);
      }
    }
  };
  out.family("duet_variant_request_duration_seconds", Type::kHistogram, "seconds",
             "Total time of requests that an experiment counts, since it began.");
  each([&](const Labels& labels, const VariantFigures& variant) {
    out.histogram(labels, kPhaseBounds, variant.cumulative, variant.count,
                  static_cast<double>(variant.sum), 1e9, {{}, &variant.native});
  });
  out.family("duet_variant_errors", Type::kCounter, "", "Of these requests, those that failed.");
  each([&](const Labels& labels, const VariantFigures& variant) {
    out.sample(labels, variant.errors);
  });
  out.family("duet_variant_cpu_seconds", Type::kGauge, "seconds",
             "CPU time of these requests, estimated as their part of their handler's.");
  each([&](const Labels& labels, const VariantFigures& variant) {
    out.sample(labels, seconds(variant.cpu));
  });
  out.family("duet_variant_active_requests", Type::kGauge, "", "Counted requests in flight.");
  each([&](const Labels& labels, const VariantFigures& variant) {
    out.sample(labels, variant.in_flight);
  });
  out.family("duet_variant_share", Type::kGauge, "", "The share of the traffic, 0 to 1.");
  each([&](const Labels& labels, const VariantFigures& variant) {
    out.sample(labels, variant.share);
  });
  out.family("duet_variant_rolled_back", Type::kGauge, "", "1: taken out by a guardrail.");
  each([&](const Labels& labels, const VariantFigures& variant) {
    out.sample(labels, std::uint64_t{variant.rolled_back});
  });
  out.family(
      "duet_experiment_uncounted_requests", Type::kCounter, "",
      "Requests of an experiment's routes that are no evidence, by why: without its key, not "
      "eligible, or given a variant that was asked for.");
  for (const ExperimentFigures& one : shot.experiments) {
    out.sample({{"experiment", one.experiment}, {"why", "unkeyed"}}, one.unkeyed);
    out.sample({{"experiment", one.experiment}, {"why", "excluded"}}, one.excluded);
    out.sample({{"experiment", one.experiment}, {"why", "overridden"}}, one.overridden);
  }
  out.family("duet_experiment_split_wrong", Type::kGauge, "",
             "1: the requests are not divided as configured, so no result holds.");
  for (const ExperimentFigures& one : shot.experiments) {
    out.sample({{"experiment", one.experiment}}, std::uint64_t{one.split_wrong});
  }
}

// Fields are named by who answers: of each variant, the first twenty that differ for real.
void shadows(ExpositionWriter& out, const Snapshot& shot) {
  using Figures = ShadowVariantFigures;
  const auto each = [&](auto write) {
    for (const ExperimentFigures& one : shot.experiments) {
      if (one.shadow) write(std::string_view(one.experiment), *one.shadow);
    }
  };
  const auto each_variant = [&](bool control_too, auto write) {
    each([&](std::string_view experiment, const ShadowFigures& shadow) {
      for (const Figures& variant : shadow.variants) {
        if (variant.control && !control_too) continue;
        write(Labels{{"experiment", experiment},
                     {"variant", variant.variant},
                     {"handler", variant.handler}},
              variant);
      }
    });
  };
  const auto counter = [&](std::string_view name, std::string_view help, bool control_too,
                           std::uint64_t Figures::*value) {
    out.family(name, Type::kCounter, "", help);
    each_variant(control_too, [&](const Labels& labels, const Figures& variant) {
      out.sample(labels, variant.*value);
    });
  };
  bool any = false;
  each([&](std::string_view, const ShadowFigures&) { any = true; });
  if (!any) return;
  out.family("duet_shadow_sampled_requests", Type::kCounter, "",
             "Requests of the control that were to be copied for another variant.");
  each([&](std::string_view experiment, const ShadowFigures& shadow) {
    out.sample({{"experiment", experiment}}, shadow.sampled);
  });
  out.family("duet_shadow_dropped_requests", Type::kCounter, "",
             "Of these, those that are not compared, by why: no room, no idle moment of the loop "
             "in time, a body too large, a client that left.");
  each([&](std::string_view experiment, const ShadowFigures& shadow) {
    for (const auto& [why, count] : shadow.dropped) {
      out.sample({{"experiment", experiment}, {"why", why}}, count);
    }
  });
  out.family("duet_shadow_waiting_requests", Type::kGauge, "",
             "Sampled requests that wait for their answer or for an idle moment.");
  each([&](std::string_view experiment, const ShadowFigures& shadow) {
    out.sample({{"experiment", experiment}}, shadow.waiting);
  });
  out.family("duet_shadow_active_copies", Type::kGauge, "", "Copies in flight.");
  each([&](std::string_view experiment, const ShadowFigures& shadow) {
    out.sample({{"experiment", experiment}}, shadow.running);
  });
  counter("duet_shadow_comparisons", "Answers of a variant compared with the control's.", false,
          &Figures::compared);
  out.family("duet_shadow_differences", Type::kCounter, "",
             "Comparisons in which a part of the answer differs: the variant's from the control's, "
             "or the control's from its own to a copy, which is the noise.");
  each_variant(false, [&](const Labels& labels, const Figures& variant) {
    for (const Figures::Part& one : variant.parts) {
      Labels with = labels;
      with.emplace_back("part", one.part);
      with.emplace_back("of", "variant");
      out.sample(with, one.variant);
      with.back().second = "control";
      out.sample(with, one.control);
    }
  });
  out.family("duet_shadow_differing_fields", Type::kGauge, "",
             "Fields that differ for real, beyond the noise.");
  each_variant(false, [&](const Labels& labels, const Figures& variant) {
    out.sample(labels, variant.differing);
  });
  out.family("duet_shadow_field_differences", Type::kCounter, "",
             "Comparisons in which such a field differs; of each variant twenty fields at most.");
  each_variant(false, [&](const Labels& labels, const Figures& variant) {
    for (const auto& [field, count] : variant.fields) {
      Labels with = labels;
      with.emplace_back("field", field);
      out.sample(with, count);
    }
  });
  counter("duet_shadow_overdue_copies", "Copies that were not answered by their deadline.", true,
          &Figures::overdue);
  counter("duet_shadow_unanswered_copies", "Copies whose handler could not be asked.", false,
          &Figures::unanswered);
}

void traces(ExpositionWriter& out, const Snapshot& shot) {
  if (!shot.spans) return;
  out.family("duet_spans", Type::kCounter, "",
             "Spans of sampled requests, by what became of them.");
  out.sample({{"outcome", "delivered"}}, shot.spans->delivered);
  out.sample({{"outcome", "lost"}}, shot.spans->lost);
}

void process(ExpositionWriter& out, const Snapshot& shot) {
  out.family("process_cpu_seconds", Type::kCounter, "seconds", "CPU time, user and system.");
  out.sample({}, seconds(shot.cpu.process()));
  out.family("process_resident_memory_bytes", Type::kGauge, "bytes", "Memory in RAM.");
  out.sample({}, static_cast<double>(shot.process.resident_bytes));
  out.family("process_virtual_memory_bytes", Type::kGauge, "bytes", "Memory mapped.");
  out.sample({}, static_cast<double>(shot.process.virtual_bytes));
  out.family("process_start_time_seconds", Type::kGauge, "seconds", "Start, since the epoch.");
  out.sample({}, shot.process.start_time);
}

}  // namespace

std::string expose(const Metrics& metrics, const Snapshot& snapshot, ExpositionFormat format) {
  ExpositionWriter out(format);
  requests(out, metrics, snapshot);
  endings(out, snapshot);
  phases(out, metrics);
  blame(out, snapshot);
  cpu(out, snapshot);
  loop(out, metrics);
  engines(out, snapshot);
  experiments(out, snapshot);
  shadows(out, snapshot);
  traces(out, snapshot);
  process(out, snapshot);
  return std::move(out).finish();
}

}  // namespace duet::measure
