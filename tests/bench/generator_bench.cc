// What the load generator itself is capable of: generator_bench URL RATE SECONDS CONNECTIONS DEPTH
// (RATE 0: a closed loop). Prints what was sent, how late, and what came back.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "host/bench/generator.h"
#include "host/bench/summary.h"

namespace {

using namespace duet;
using namespace duet::bench;

int fail(const Error& error) {
  std::fprintf(stderr, "generator_bench: %s\n", error.to_string().c_str());
  return 1;
}

double micros(Nanos nanos) { return nanos == kNever ? -1 : static_cast<double>(nanos) / 1e3; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: generator_bench URL RATE SECONDS CONNECTIONS DEPTH\n");
    return 2;
  }
  const double rate = std::atof(argv[2]);
  const auto url = parse_url(argv[1]);
  if (!url) return fail(url.error());
  const auto address = resolve(*url);
  if (!address) return fail(address.error());
  RequestSpec spec;
  spec.path = url->path;
  auto text = request_text(spec, url->authority, true);
  if (!text) return fail(text.error());
  Target target{*address, {*text}};
  const bool closed = rate == 0;
  auto schedule = make_schedule({.arrivals = closed ? Arrivals::kClosed : Arrivals::kPoisson,
                                 .rate = rate,
                                 .duration = static_cast<Nanos>(std::atof(argv[3]) * 1e9),
                                 .block = kSecond,
                                 .gap = 0,
                                 .arms = 1,
                                 .texts = {1}});
  if (!schedule) return fail(schedule.error());
  auto generator =
      Generator::create({target}, {.connections = static_cast<std::uint32_t>(std::atoi(argv[4])),
                                   .depth = static_cast<std::uint32_t>(std::atoi(argv[5]))});
  if (!generator) return fail(generator.error());
  if (auto connected = (*generator)->connect(); !connected) return fail(connected.error());
  const Nanos cpu = thread_cpu_now();
  (*generator)->run(*schedule, closed);
  const double seconds = static_cast<double>(schedule->length) / 1e9;
  const Summary summary = summarize(*schedule, 0);
  fmt::print("{:.0f} answers a second; {} due, {} unsent, {} lost; generator {:.2f} us CPU each\n",
             static_cast<double>(summary.answered) / seconds, summary.requests, summary.unsent,
             summary.lost, micros(thread_cpu_now() - cpu) / static_cast<double>(summary.requests));
  for (const auto& [name, values] :
       {std::pair{"send lag", &summary.lag}, std::pair{"queueing", &summary.queueing},
        std::pair{"service", &summary.service}, std::pair{"latency", &summary.latency}}) {
    fmt::print("{:9} p50 {:9.1f}  p99 {:9.1f}  p99.9 {:9.1f}  max {:9.1f} us\n", name,
               micros(quantile_of(*values, 0.5)), micros(quantile_of(*values, 0.99)),
               micros(quantile_of(*values, 0.999)), micros(quantile_of(*values, 1)));
  }
  return 0;
}
