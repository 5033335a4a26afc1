// What became of a claim, in sentences. Pure.
#pragma once

#include <string>

#include "host/cli/lab_result.h"

namespace duet::cli {

// "node http answers 2.11 to 2.26 times as many requests a second as uvicorn"; intervals are
// rounded outward.
std::string measured_words(const LabCompared& compared);
// With what it means for the claim: "…: in that direction, but less than claimed (3x)".
std::string here_words(const LabCompared& compared);
// What it means: "as claimed"; of a figure by itself also whether it is more or less than that.
std::string found_words(const LabCompared& compared);
// For a table: what it is about, or who is compared: "node http beside uvicorn"; behind the run's
// title.
std::string about_cell(const LabCompared& compared, const std::string& run);
// "of 6.1 times between FastAPI and node http: framework 2.3 (2.2 to 2.4), server 1.9 (…)".
std::string split_words(const LabSplitted& split);
// Short, for a table: "2.11x to 2.26x", "45 ms to 60 ms", and the finding's words.
std::string value_cell(const LabCompared& compared);
std::string figure_cell(const LabFigure& figure, const LabValue& value);
// "requests a second", "latency p50", "first answer": a column's head.
std::string figure_title(const LabFigure& figure);

}  // namespace duet::cli
