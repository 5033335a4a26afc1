#include "host/runtime.h"

namespace duet {

Result<std::string> Runtime::inspect(std::string_view) {
  return Error{"the " + std::string(name()) + " engine has no debugger to open", "", "", ""};
}

}  // namespace duet
