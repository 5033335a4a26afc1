#include "host/runtime.h"

namespace duet {

Result<void> Runtime::inspect(const DebuggerOptions&) {
  return Error{"the " + std::string(name()) + " engine has no debugger to open", "", "", ""};
}

}  // namespace duet
