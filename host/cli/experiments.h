// The experiments of duet.toml in the serving process: from configured values to live ones, and
// what is logged of their decisions.
#pragma once

#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/config/config.h"
#include "host/experiment/clock_watch.h"
#include "host/measure/metrics.h"
#include "host/pipeline.h"
#include "host/pipeline_experiments.h"

namespace duet::cli {

// Makes them all and attaches them to routes and applications, which have been added to the
// pipeline in the order of the configuration; then the pipeline uses them.
Result<void> add_experiments(const config::Config& config, Pipeline& pipeline,
                             PipelineExperiments& experiments);

// Whether the host cannot serve without that handler: by a route outside experiments, an
// application, or the control of an experiment. The other handlers are variants, which an
// experiment can do without.
bool is_required(const config::Config& config, std::size_t handler);

// Its variants get the control instead, and everybody is told: by the log and by the audit.
void withdraw_variants(PipelineExperiments& experiments, measure::HandlerIndex handler,
                       const Error& why);

// What is shown of them. The CPU time of a variant becomes that of its handler, in proportion to
// the time in their slices: the host's work for a request and threads of pools are in it then.
std::vector<experiment::LiveSnapshot> experiment_snapshots(PipelineExperiments& experiments,
                                                           measure::Metrics& metrics);

// VariantSnapshot::cpu of each variant, as experiment_snapshots() gives it.
std::vector<Nanos> cpu_of_variants(experiment::Live& live, const measure::Metrics& metrics);

// Says it when the wall clock jumped since the last call: in the log and in each audit.
void watch_clock(experiment::ClockWatch& watch, PipelineExperiments& experiments, Nanos at);

void log_decision(const experiment::Live& live, const experiment::Decision& decision);

}  // namespace duet::cli
