// The shadow traffic of duet.toml in the serving process: accounts for copies, and what is copied.
#pragma once

#include <map>
#include <string>

#include "host/base/result.h"
#include "host/config/config.h"
#include "host/measure/metrics.h"
#include "host/measure/variant_figures.h"
#include "host/pipeline.h"
#include "host/pipeline_experiments.h"
#include "host/pipeline_shadow.h"

namespace duet::cli {

// What a handler does for copies: by its index, the index of "NAME (shadow)". That is known to the
// pipeline and to the metrics, and shares engine and code with the handler.
using ShadowAccounts = std::map<measure::HandlerIndex, measure::HandlerIndex>;

// Adds them behind the handlers of the configuration, which have been added.
ShadowAccounts add_shadow_accounts(const config::Config& config, Pipeline& pipeline,
                                   measure::Metrics& metrics);

// After add_experiments(): from then on requests are copied.
void add_shadows(const config::Config& config, const ShadowAccounts& accounts,
                 PipelineExperiments& experiments, PipelineShadow& shadow);

// For the exposition.
measure::ShadowFigures shadow_figures(const experiment::ShadowSnapshot& shot,
                                      const experiment::LiveSpec& spec);

// An operator's word: what was compared so far counts no more, as when a variant was mended. Into
// the audit. Errors: the experiment has no shadow traffic.
Result<experiment::Decision> recompare(PipelineExperiments& experiments, PipelineShadow* shadow,
                                       experiment::Live& live, const std::string& who);

}  // namespace duet::cli
