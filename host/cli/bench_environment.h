// What a run of `duet bench` is measured on and with.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/fingerprint.h"
#include "host/bench/plan.h"

namespace duet::cli {

// The machine, the flags in the environment, and, when handlers are served by hosts of our own, the
// versions of duet and of its engines. Asks an executable like this one, which takes some 100 ms.
bench::Fingerprint bench_fingerprint(const bench::Plan& plan);

// Keeps the calling thread, and what it starts, to the generator's processors where the plan says
// them. Error: the kernel refuses.
Result<void> pin(const bench::Plan& plan);
// "servers on processor 0, the generator on 1"; empty without pinning.
std::string pinning_text(const bench::Plan& plan);
// {"servers": "0", "generator": "1"}; null without.
nlohmann::ordered_json pinning_json(const bench::Plan& plan);

nlohmann::ordered_json fingerprint_json(const bench::Fingerprint& fingerprint);
// Error-free counterpart for bundles: what is no text is left out.
bench::Fingerprint fingerprint_of(const nlohmann::json& json);

// What must be known of it, as a line each; mostly none. `length`: of the run.
std::vector<std::string> disturbance_notes(const bench::Disturbance& disturbance, Nanos length);

}  // namespace duet::cli
