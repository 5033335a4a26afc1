// The module's one exported symbol.
#include "bindings/python/runtime.h"

extern "C" __attribute__((visibility("default"))) duet::Runtime* duet_create_runtime(
    std::uint32_t version) {
  // The engine lives as long as the process: CPython cannot be started twice with extensions.
  return version == duet::kRuntimeBoundary ? new duet::python::PythonRuntime : nullptr;
}
