// What `duet bench` and `duet lab` say while they run: a bar on a terminal, a line now and then
// elsewhere.
#pragma once

#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/bench/generator.h"

namespace duet::cli {

// Writes to standard error, so that the result on standard output stays clean.
class BenchProgress {
 public:
  // `names`: the arms'. `command`: whose lines they are, "bench".
  explicit BenchProgress(std::vector<std::string> names, std::string command = "bench");
  ~BenchProgress() { clear(); }
  BenchProgress(const BenchProgress&) = delete;
  BenchProgress& operator=(const BenchProgress&) = delete;

  void note(const std::string& line);
  void show(const bench::Generator& generator, Nanos elapsed, Nanos length);
  // Takes the bar away.
  void clear();

 private:
  std::string figures(const bench::Generator& generator) const;
  void draw(const std::string& line);

  std::vector<std::string> names_;
  std::string command_;
  const bool terminal_;
  bool drawn_ = false;
  Nanos next_line_;  // elsewhere: when the next line is due
};

}  // namespace duet::cli
