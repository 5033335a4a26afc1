// `duet bench` as a process, for its tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet::testing_support {

inline ProcessOptions bench_options(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  return {.arguments = std::move(arguments),
          .environment = {{"PORT", std::nullopt}},
          .directory = "",
          .terminal = false};
}

inline Finished bench(std::vector<std::string> arguments) {
  return run(duet_program(), bench_options(std::move(arguments)), std::chrono::seconds(60));
}

// A configuration whose one handler answers after 60 to 120 ms by the clock: what a generator on a
// busy machine sends late is small beside that, so the figures are hardly ever void.
inline std::string write_scripted(const TemporaryDirectory& directory) {
  return directory.write("duet.toml",
                         "[handlers.scripted]\nsource = \"scripted.so\"\n"
                         "env = { LOW_US = \"60000\", HIGH_US = \"120000\" }\n"
                         "[[routes]]\npath = \"/\"\nhandler = \"scripted\"\n");
}

// A command for --command that serves the native hello.
inline std::string serve_hello() {
  return duet_program() + " serve hello.so --listen 127.0.0.1:{port} --admin off";
}

}  // namespace duet::testing_support
