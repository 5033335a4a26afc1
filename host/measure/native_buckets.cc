#include "host/measure/native_buckets.h"

#include "host/measure/histogram.h"

namespace duet::measure {

NativeBuckets native_of(const Histogram& histogram, std::uint64_t zeros) {
  NativeBuckets native;
  native.record(0, zeros);
  if (histogram.count() == 0) return native;
  const std::size_t last = Histogram::slot_of(static_cast<std::uint64_t>(histogram.max()));
  for (std::size_t slot = 0; slot <= last; ++slot) {
    if (histogram.count_in(slot) == 0) continue;
    const std::uint64_t middle = (Histogram::lowest_in(slot) + Histogram::highest_in(slot)) / 2;
    native.record(static_cast<Nanos>(middle), histogram.count_in(slot));
  }
  return native;
}

}  // namespace duet::measure
