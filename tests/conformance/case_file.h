// The conformance table as text: cases, each with a handler in every language, what is asked and
// what must come back. README.md says how to write one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duet::conformance {

struct Variant {
  std::string language;  // "js", "py", "async-py", "cjs", "ts"
  std::string source;
  std::size_t line = 0;  // of the source's first line in the case file

  bool python() const { return language == "py" || language == "async-py"; }
  std::string extension() const { return python() ? "py" : language == "js" ? "mjs" : language; }
};

struct Question {
  std::string method, target, version = "HTTP/1.1";
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool chunked = false;  // the body is sent in chunks, one a line
  std::vector<std::string> chunks;

  // As bytes, for a handler that is mounted at that path.
  std::string bytes(std::string_view mount) const;
};

struct Expectation {
  int status = 0;
  bool cut_off = false;
  std::vector<std::pair<std::string, std::string>> fields;  // a value "~ x": a regular expression
  std::vector<std::string> absent;
  enum class Body { kAny, kExact, kPattern, kJson } body_kind = Body::kAny;
  std::string body;
};

struct Step {
  Question question;
  Expectation expectation;
  std::size_t line = 0;
};

struct Case {
  std::string name;
  std::string slug;  // of the name, for paths
  std::size_t line = 0;
  std::vector<Variant> variants;
  std::string why_only;  // why there is no twin in the other language
  std::string config;    // lines for the handler's table in duet.toml
  std::string route;     // pattern below the mount; empty: everything
  std::vector<Step> steps;
  std::vector<std::string> log;  // JSON objects; each must be found among the log's lines
};

struct CaseFile {
  std::vector<std::string> host_arguments;
  std::vector<std::pair<std::string, std::string>> host_environment;
  std::vector<Case> cases;
};

// Throws std::runtime_error with file and line when the file cannot be understood.
CaseFile read_case_file(const std::string& path);

// \r \n \t \0 \\ \xHH, and {x*1000} for a thousand times x.
std::string unescape(std::string_view text);

}  // namespace duet::conformance
