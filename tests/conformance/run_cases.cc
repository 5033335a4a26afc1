// conformance_cases CASES.txt...: runs each case of the table against every language, over real
// sockets. One host serves all handlers of a file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/case_file.h"
#include "tests/support/duet_host.h"

namespace duet::conformance {
namespace {

using testing_support::DuetHost;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

// A case in one language, as it is mounted.
struct Mounted {
  const Case& table;
  const Variant& variant;
  std::string handler;  // name in duet.toml, in the log
  std::string mount;    // path below which it answers
  std::string file;     // absolute path of its source
};

// The id of the failure that an answer tells, or "". The words are found first: a regular
// expression at each byte of a body of megabytes takes a minute where it is instrumented.
std::string error_id_in(const std::string& body) {
  const std::size_t words = body.find("error id");
  if (words == std::string::npos) return "";
  const auto begin = body.begin() + static_cast<std::ptrdiff_t>(words);
  std::smatch id;
  const std::regex pattern("error id:?\\s*(?:</dt><dd>)?\\s*([0-9a-z]{8})");
  return std::regex_search(begin, body.end(), id, pattern) ? id[1].str() : "";
}

std::string shortened(const std::string& text) {
  return text.size() <= 600 ? text
                            : text.substr(0, 600) + "... (" + std::to_string(text.size()) + ")";
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript));
}

class Suite {
 public:
  explicit Suite(std::string path) : path_(std::move(path)), file_(read_case_file(path_)) {
    for (const Case& table : file_.cases) {
      for (const Variant& variant : table.variants) {
        const std::string name = table.slug + "-" + variant.language;
        // A directory each: what a case imports or writes is its own.
        mounted_.push_back({table, variant, name, "/" + variant.language + "/" + table.slug, ""});
      }
    }
  }

  const std::vector<Mounted>& mounted() const { return mounted_; }
  const std::string& path() const { return path_; }

  // Started by the first test that needs it.
  DuetHost& host() {
    if (host_ == nullptr) {
      if (failed_) throw std::runtime_error("the host did not start (see the first failure)");
      failed_ = true;
      write_project();
      HostOptions options;
      options.arguments = file_.host_arguments;
      options.arguments.insert(options.arguments.end(),
                               {"--admin", "off", directory_->path() + "/duet.toml"});
      for (const auto& [name, value] : file_.host_environment) {
        options.environment.emplace_back(name, value);
      }
      options.directory = directory_->path();
      host_ = std::make_unique<DuetHost>(options);
      failed_ = false;
    }
    return *host_;
  }

  // After all tests: it must still stop gracefully.
  int stop() { return host_ == nullptr ? 0 : host_->stop(); }
  std::string log() const { return host_ == nullptr ? "" : host_->process().err(); }

 private:
  void write_project() {
    directory_ = std::make_unique<TemporaryDirectory>();
    std::string toml;
    for (Mounted& one : mounted_) {
      const std::string name = one.handler + "/handler." + one.variant.extension();
      // Line numbers in stacks are then those of the case file's section.
      one.file = directory_->write(name, one.variant.source);
      toml +=
          "[handlers." + one.handler + "]\nsource = \"" + name + "\"\n" + one.table.config + "\n";
      const std::vector<std::string> patterns = one.table.route.empty()
                                                    ? std::vector<std::string>{"", "/{rest...}"}
                                                    : std::vector<std::string>{one.table.route};
      for (const std::string& pattern : patterns) {
        toml += "[[routes]]\npath = \"" + one.mount + pattern + "\"\nhandler = \"" + one.handler +
                "\"\n";
      }
    }
    directory_->write("duet.toml", toml);
  }

  std::string path_;
  CaseFile file_;
  std::vector<Mounted> mounted_;
  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<DuetHost> host_;
  bool failed_ = false;
};

class CaseTest : public ::testing::Test {
 public:
  CaseTest(Suite& suite, const Mounted& mounted) : suite_(suite), mounted_(mounted) {}

  void TestBody() override {
    DuetHost& host = suite_.host();
    const std::size_t log_before = host.process().err().size();
    std::optional<HttpClient> client;
    std::string error_id;
    for (const Step& step : mounted_.table.steps) {
      SCOPED_TRACE(suite_.path() + ":" + std::to_string(step.line) + ": in " +
                   mounted_.variant.language);
      if (!client) client.emplace(host.address());
      client->send(replaced(step.question.bytes(mounted_.mount), "{address}",
                            host.address().substr(std::string_view("http://").size())));
      HttpResponse response = client->read(step.question.method == "HEAD");
      expect(response, step.expectation);
      if (std::string id = error_id_in(response.body); !id.empty()) error_id = std::move(id);
      if (response.cut_off || response.value("connection") == "close" ||
          (response.version == "HTTP/1.0")) {
        client.reset();
      }
    }
    expect_log(host, log_before, error_id);
    EXPECT_TRUE(host.process().running()) << "the host has ended";
    if (HasFailure()) {
      std::cout << "  the host's log meanwhile:\n"
                << shortened(host.process().err().substr(log_before)) << "\n";
    }
  }

 private:
  std::string expanded(std::string text, const std::string& error_id) const {
    text = replaced(std::move(text), "{handler}", mounted_.handler);
    text = replaced(std::move(text), "{mount}", mounted_.mount);
    text = replaced(std::move(text), "{file}", mounted_.file);
    text = replaced(std::move(text), "{id}", error_id);
    text = replaced(std::move(text), "{language}",
                    mounted_.variant.python() ? "python" : "javascript");
    return text;
  }

  void expect(const HttpResponse& response, const Expectation& expected) const {
    EXPECT_EQ(response.status, expected.status) << shortened(response.body);
    EXPECT_EQ(response.cut_off, expected.cut_off);
    std::vector<std::string> names;
    for (const auto& [name, value] : expected.fields) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    for (const std::string& name : names) {
      std::vector<std::string> wanted;
      for (const auto& [field, value] : expected.fields) {
        if (field == name) wanted.push_back(value);
      }
      const std::vector<std::string> found = response.all(name);
      if (found.size() != wanted.size()) {
        EXPECT_EQ(found, wanted) << "of header field " << name;
        continue;
      }
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::string value = expanded(wanted[i], "");
        if (value.starts_with("~ ")) {
          EXPECT_TRUE(matches(found[i], value.substr(2)))
              << name << ": " << found[i] << " is not " << value;
        } else {
          EXPECT_EQ(found[i], unescape(value)) << "of header field " << name;
        }
      }
    }
    for (const std::string& name : expected.absent) {
      EXPECT_FALSE(response.get(name)) << name << ": " << response.value(name);
    }
    const std::string body = expanded(expected.body, "");
    switch (expected.body_kind) {
      case Expectation::Body::kAny:
        break;
      case Expectation::Body::kExact:
        EXPECT_TRUE(response.body == body)
            << "the body is '" << shortened(response.body) << "', not '" << shortened(body) << "'";
        break;
      case Expectation::Body::kPattern:
        EXPECT_TRUE(matches(response.body, body))
            << "the body is '" << shortened(response.body) << "', which is not " << body;
        break;
      case Expectation::Body::kJson:
        EXPECT_EQ(nlohmann::json::parse(response.body, nullptr, false), nlohmann::json::parse(body))
            << shortened(response.body);
        break;
    }
  }

  // Every wanted line is among those written since, in time.
  void expect_log(DuetHost& host, std::size_t from, const std::string& error_id) const {
    for (const std::string& text : mounted_.table.log) {
      const nlohmann::json wanted = nlohmann::json::parse(expanded(text, error_id));
      const bool found = testing_support::eventually(
          [&] {
            std::istringstream lines(host.process().err().substr(from));
            for (std::string line; std::getline(lines, line);) {
              const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
              if (entry.is_object() && contains(entry, wanted)) return true;
            }
            return false;
          },
          std::chrono::seconds(5));
      EXPECT_TRUE(found) << "no line in the log like " << wanted.dump();
    }
  }

  static bool contains(const nlohmann::json& entry, const nlohmann::json& wanted) {
    for (const auto& [key, value] : wanted.items()) {
      if (!entry.contains(key) || !entry[key].is_string()) return false;
      if (!matches(entry[key].get<std::string>(), value.get<std::string>())) return false;
    }
    return true;
  }

  Suite& suite_;
  const Mounted& mounted_;
};

// The host has lived through all of it, and stops as if nothing had been.
class StopTest : public ::testing::Test {
 public:
  explicit StopTest(Suite& suite) : suite_(suite) {}
  void TestBody() override {
    suite_.host();
    EXPECT_EQ(suite_.stop(), 0) << suite_.log().substr(
        suite_.log().size() - std::min<std::size_t>(suite_.log().size(), 2000));
  }

 private:
  Suite& suite_;
};

}  // namespace
}  // namespace duet::conformance

int main(int count, char** values) {
  using namespace duet::conformance;
  ::testing::InitGoogleTest(&count, values);
  std::vector<std::unique_ptr<Suite>> suites;
  try {
    for (int i = 1; i < count; ++i) suites.push_back(std::make_unique<Suite>(values[i]));
  } catch (const std::runtime_error& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
  for (const auto& suite : suites) {
    const std::string name = std::filesystem::path(suite->path()).stem().string();
    for (const Mounted& one : suite->mounted()) {
      ::testing::RegisterTest(name.c_str(), (one.table.slug + "." + one.variant.language).c_str(),
                              nullptr, nullptr, suite->path().c_str(),
                              static_cast<int>(one.table.line),
                              [&suite = *suite, &one] { return new CaseTest(suite, one); });
    }
    ::testing::RegisterTest((name + "_end").c_str(), "the_host_stops_gracefully", nullptr, nullptr,
                            suite->path().c_str(), 1,
                            [&suite = *suite] { return new StopTest(suite); });
  }
  const int result = RUN_ALL_TESTS();
  suites.clear();
  return result;
}
