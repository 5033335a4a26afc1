#include "host/measure/loop_meter.h"

namespace duet::measure {

void LoopMeter::before_poll(Nanos at) {
  if (!ledger_.asleep() && ledger_.woke_at() > 0) iterations_.record(at - ledger_.woke_at());
  ledger_.sleep(at);
}

}  // namespace duet::measure
