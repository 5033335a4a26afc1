#include "bindings/python/scope.h"

namespace duet::python {

void Gil::acquire() {
  const Nanos from = now();
  PyEval_RestoreThread(state_);
  held_ = true;
  const Nanos to = now();
  if (to - from >= kWorthNoting) {
    wait_from_ = from;
    wait_to_ = to;
  }
}

}  // namespace duet::python
