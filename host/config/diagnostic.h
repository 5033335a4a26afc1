// What is wrong with a configuration, where, and what to do about it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duet::config {

// A stretch of one line of a file. Lines and columns count from 1, columns in characters.
struct Place {
  std::size_t line = 0;  // 0: no place
  std::size_t column = 0;
  std::size_t length = 1;  // characters to underline

  friend bool operator==(const Place&, const Place&) = default;
};

enum class Severity {
  kError,    // the configuration cannot be used
  kWarning,  // it can, but hardly means what it says
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;  // as the user named it; empty: the command line or the environment
  Place place;
  std::string message;  // one line, no trailing full stop
  std::string hint;     // what to do; may be empty
};

// Collects every mistake, so that all are shown at once.
class Diagnostics {
 public:
  // The text of a file that diagnostics will be about, so that its lines can be shown.
  void add_source(std::string file, std::string text);

  void add(Diagnostic diagnostic) { all_.push_back(std::move(diagnostic)); }
  // A mistake with no place in a file.
  void error(std::string message, std::string hint = {});

  bool ok() const { return errors() == 0; }  // warnings do not count
  std::size_t errors() const;
  std::size_t warnings() const { return all_.size() - errors(); }
  const std::vector<Diagnostic>& all() const { return all_; }
  // As a person reads them: those without a file first, then by file, line and column.
  void sort();

  // As compilers write it, one after the other:
  //   duet.toml:12:1: error: unknown key 'adress' in [server] (did you mean 'address'?)
  //      12 | adress = "127.0.0.1:80"
  //         | ^~~~~~
  // Control characters of the file are shown escaped: a file must not drive the terminal.
  std::string render(bool color) const;
  // "2 errors, 1 warning"; empty when there are none.
  std::string summary() const;

 private:
  std::string_view line_of(const Diagnostic& diagnostic) const;

  std::vector<Diagnostic> all_;
  std::map<std::string, std::string, std::less<>> sources_;
};

}  // namespace duet::config
