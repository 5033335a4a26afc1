// A host with two handlers and a known history, for tests of what shows figures.
#pragma once

#include <memory>
#include <string>

#include "host/measure/metrics.h"
#include "host/measure/snapshot.h"

namespace duet::measure {

inline Nanos sample_cpu = 0;

struct Sample {
  Ledger ledger{[] { return sample_cpu; }};
  Metrics metrics{ledger};
  Nanos at = kSecond;

  Sample() {
    for (const HandlerIndex h : {0u, 1u}) ledger.add_handler(h);
    metrics.add_handler(0, {"country_js", "javascript", "fetch", "/app/country.mjs"});
    metrics.add_handler(1, {"country_py", "python", "fetch", "/app/country.py"});
    metrics.add_route(0, "/js/{code}");
    metrics.add_route(1, "/py/{code}");
    metrics.add_route(1, "/py");
  }

  // Handler 2, with a request of 2 us that waited for 1.
  void third(const std::string& name, const std::string& language) {
    metrics.add_handler(2, {name, language, "", ""});
    ledger.add_handler(2);
    metrics.add_route(2, "/x");
    request(2, kMicrosecond, 2 * kMicrosecond);
  }
  // One request of `handler` that arrived `queued` ago and runs for `run`.
  void request(HandlerIndex handler, Nanos queued, Nanos run, std::uint16_t status = 200,
               std::uint8_t method = 0) {
    metrics.started(handler);
    Timeline timeline;
    timeline.begin(at - queued, false);
    timeline.set_handler(handler);
    ledger.begin(handler, &timeline, at);
    timeline.answered();
    ledger.end(Phase::kAwait, at += run);
    timeline.end(at += 3 * kMicrosecond);
    Outcome outcome;
    outcome.route = handler;
    outcome.status = status;
    outcome.method = method;
    outcome.bytes_out = 13;
    metrics.ended(timeline, outcome);
  }
  // A hundred requests of each: 2 us in JavaScript, 5 us in Python, 20 ms of Python once that 10
  // requests in JavaScript waited for.
  void run() {
    for (int i = 0; i < 100; ++i) {
      request(0, 10 * kMicrosecond, 2 * kMicrosecond);
      request(1, 10 * kMicrosecond, 5 * kMicrosecond, i == 0 ? 500 : 200);
    }
    request(1, 10 * kMicrosecond, 20 * kMillisecond);
    const Nanos held_until = at;
    for (int i = 0; i < 10; ++i) request(0, at - held_until + 10 * kMillisecond, 2 * kMicrosecond);
  }
};

inline ExperimentFigures sample_experiment() {
  ExperimentFigures one{"country", {}, 7, 8, 9, true};
  for (const char* name : {"js", "py"}) {
    VariantFigures& variant = one.variants.emplace_back();
    variant.variant = variant.handler = name;
    variant.share = 0.5;
    variant.errors = 3;
    variant.count = 40;
    variant.cumulative.back() = 39;
    variant.sum = 80 * kMillisecond;
    variant.cpu = 2 * kMillisecond;
  }
  one.variants[1].rolled_back = true;
  return one;
}

}  // namespace duet::measure
