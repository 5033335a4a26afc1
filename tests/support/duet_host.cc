#include "tests/support/duet_host.h"

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace duet::testing_support {

namespace fs = std::filesystem;

std::string duet_program() { return DUET_PROGRAM; }
std::string source_directory() { return DUET_SOURCE_DIRECTORY; }

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "duet-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, std::string_view text) const {
  const fs::path path = fs::path(path_) / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

DuetHost::DuetHost(const HostOptions& options) {
  ProcessOptions process;
  process.arguments = {"serve"};
  const auto given = [&](const char* option) {
    return std::find(options.arguments.begin(), options.arguments.end(), option) !=
           options.arguments.end();
  };
  const bool port_set = std::any_of(options.environment.begin(), options.environment.end(),
                                    [](const auto& entry) { return entry.first == "PORT"; });
  if (!given("--listen") && !port_set) {
    process.arguments.insert(process.arguments.end(), {"--listen", "127.0.0.1:0"});
  }
  if (!given("--admin")) {
    process.arguments.insert(process.arguments.end(), {"--admin", "127.0.0.1:0"});
  }
  process.arguments.insert(process.arguments.end(), options.arguments.begin(),
                           options.arguments.end());
  process.environment = options.environment;
  // What happens to be set for the person who runs the tests must not decide them.
  if (!port_set) process.environment.emplace_back("PORT", std::nullopt);
  process.environment.emplace_back("NODE_OPTIONS", std::nullopt);
  process.environment.emplace_back("PYTHONPATH", std::nullopt);
  process.directory = options.directory;
  if (process.directory.empty()) process.directory = own_directory_.emplace().path();

  process_ = std::make_unique<Process>(duet_program(), process);
  constexpr std::string_view kListening = "listening on ", kAdmin = "admin on ";
  const bool with_admin = !given("off");
  for (std::size_t line = 0;
       addresses_.size() < options.listeners || (with_admin && admin_.empty()); ++line) {
    const std::string text = process_->out_line(line, std::chrono::seconds(60));
    if (text.starts_with(kListening)) {
      addresses_.push_back(text.substr(kListening.size()));
    } else if (text.starts_with(kAdmin)) {
      admin_ = text.substr(kAdmin.size());
    } else if (text.empty()) {
      throw std::runtime_error("duet serve does not listen; it says:\n" + process_->out() +
                               process_->err());
    }
  }
}

std::vector<nlohmann::json> DuetHost::log() const {
  std::vector<nlohmann::json> lines;
  std::istringstream text(process_->err());
  for (std::string line; std::getline(text, line);) {
    nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
    if (parsed.is_object()) lines.push_back(std::move(parsed));
  }
  return lines;
}

nlohmann::json DuetHost::log_line(std::string_view message_part,
                                  std::chrono::milliseconds patience) {
  nlohmann::json found;
  eventually(
      [&] {
        for (nlohmann::json& line : log()) {
          if (line.value("msg", "").find(message_part) == std::string::npos) continue;
          found = std::move(line);
          return true;
        }
        return false;
      },
      patience);
  return found;
}

nlohmann::json DuetHost::api(std::string_view target) const {
  const HttpResponse response = fetch(admin_, target);
  if (response.status != 200) {
    throw std::runtime_error(std::string(target) + ": " + std::to_string(response.status) + " " +
                             response.body);
  }
  return nlohmann::json::parse(response.body);
}

int DuetHost::stop() {
  process_->signal(SIGTERM);
  return process_->wait(std::chrono::seconds(30));
}

}  // namespace duet::testing_support
