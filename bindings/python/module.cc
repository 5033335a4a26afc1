// The module's one exported symbol.
#include "bindings/python/runtime.h"
#include "boundary/number.h"

extern "C" __attribute__((visibility("default"))) duet::Runtime* duet_create_runtime(
    std::uint64_t boundary) {
  // The engine lives as long as the process: CPython cannot be started twice with extensions.
  return boundary == duet::kRuntimeBoundary ? new duet::python::PythonRuntime : nullptr;
}
