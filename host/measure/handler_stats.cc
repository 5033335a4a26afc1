#include "host/measure/handler_stats.h"

namespace duet::measure {

Series& RouteStats::find_slowly(const Outcome& outcome) {
  for (std::size_t i = 0; i < series_.size(); ++i) {
    const Series& series = series_[i];
    if (series.overflow || (series.status == outcome.status && series.method == outcome.method)) {
      last_ = i;
      return series_[i];
    }
  }
  last_ = series_.size();
  Series& series = series_.emplace_back();
  series.status = outcome.status;
  series.method = outcome.method;
  series.overflow = series_.size() == kMost;
  return series;
}

void RouteStats::keep(Series& series, std::size_t bucket, const Exemplar& exemplar) {
  if (series.exemplars == nullptr) {
    series.exemplars = std::make_unique<std::array<Exemplar, kRequestBounds.size() + 1>>();
  }
  (*series.exemplars)[bucket] = exemplar;
}

}  // namespace duet::measure
