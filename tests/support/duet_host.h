// `duet serve` as a user runs it, for tests: started, waited for, asked, stopped.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/process.h"

namespace duet::testing_support {

// The executable under test, and the sources' root: set by CMake.
std::string duet_program();
std::string source_directory();

// A directory that goes with its files when the object does.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  // Writes a file below it; gives its absolute path.
  std::string write(const std::string& name, std::string_view text) const;

 private:
  std::string path_;
};

struct HostOptions {
  // After `duet serve`; "--listen 127.0.0.1:0" is added when no --listen is among them, "--admin
  // 127.0.0.1:0" likewise, and "--log-level info".
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  std::string directory;  // empty: a temporary one, without any duet.toml or .env
  std::size_t listeners = 1;
};

class DuetHost {
 public:
  // Returns once it says that it listens; throws with its log when it does not.
  explicit DuetHost(const HostOptions& options);
  explicit DuetHost(std::vector<std::string> arguments)
      : DuetHost(HostOptions{.arguments = std::move(arguments),
                             .environment = {},
                             .directory = "",
                             .listeners = 1}) {}

  const std::string& address(std::size_t index = 0) const { return addresses_.at(index); }
  const std::string& admin() const { return admin_; }  // empty when it is off
  HttpClient client() const { return HttpClient(addresses_.at(0)); }
  Process& process() { return *process_; }

  // Its log so far, line by line; lines that are no JSON are left out.
  std::vector<nlohmann::json> log() const;
  // The first line whose "msg" contains that, in time; null when there is none.
  nlohmann::json log_line(std::string_view message_part,
                          std::chrono::milliseconds patience = kPatience);
  // Of the admin listener.
  nlohmann::json api(std::string_view target) const;
  // SIGTERM, and the exit code.
  int stop();

 private:
  std::optional<TemporaryDirectory> own_directory_;
  std::unique_ptr<Process> process_;
  std::vector<std::string> addresses_;
  std::string admin_;
};

}  // namespace duet::testing_support
