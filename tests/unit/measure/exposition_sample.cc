// Prints a page of metrics, for check_exposition.py: `exposition_sample prometheus|openmetrics`.
#include <cstdio>
#include <string_view>

#include "host/measure/exposition.h"
#include "tests/unit/measure/sample_snapshot.h"

int main(int count, char** arguments) {
  using namespace duet::measure;
  Sample sample;
  sample.metrics.add_handler(2, {"quo\"ted\\ n\xc3\xa4me\n", "native", "", ""});
  sample.ledger.add_handler(2);
  sample.metrics.add_route(2, "/\"x\"");
  sample.run();
  sample.request(2, 0, 1000, 404, 9);
  EngineSnapshot node{"javascript", 1, 2, 3, 4, 5, 6};
  EngineSnapshot python{"python", -1, -1, -1, 4, 5, 6};
  const bool open = count > 1 && std::string_view(arguments[1]) == "openmetrics";
  Snapshot shot = take_snapshot(sample.metrics, {node, python});
  shot.experiments.push_back(sample_experiment());
  const std::string text = expose(
      sample.metrics, shot, open ? ExpositionFormat::kOpenMetrics : ExpositionFormat::kPrometheus);
  std::fwrite(text.data(), 1, text.size(), stdout);
}
