// Where duet's own files are.
#pragma once

#include <string>

namespace duet {

// The program `duet`, absolute; of a test, that test. In a process that runs in the user's Python
// (host/cli/interpreter.h) it is still duet's, which /proc/self/exe is not. Any thread.
const std::string& executable_path();

// The folder of its engine modules: ../lib/duet from that program.
const std::string& module_directory();

}  // namespace duet
