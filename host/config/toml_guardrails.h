// What an experiment acts on by itself: guardrails and the ramp; and numbers as they are written
// there.
#pragma once

#include <optional>
#include <string_view>

#include "host/config/experiment.h"
#include "host/config/table_reader.h"

namespace duet::config {

// "5%", or "0.5%": a share of all, 0..1. Mistakes are reported, and give nothing.
std::optional<double> read_share(const ReaderContext& context, TableReader& table,
                                 std::string_view key, std::string_view example);
// An integer or a decimal number within [least, most].
std::optional<double> read_number(const ReaderContext& context, TableReader& table,
                                  std::string_view key, double least, double most,
                                  std::string_view example);

// `alpha`, [[experiment.guardrails]] and [experiment.ramp]; the variants have been read.
void read_guardrails(const ReaderContext& context, TableReader& table, Experiment& experiment);

}  // namespace duet::config
