// What `duet bench` and `duet lab` say while they run: a picture that is drawn again and again on a
// terminal, a line now and then elsewhere.
#pragma once

#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/bench/capacity.h"
#include "host/bench/generator.h"
#include "host/cli/live_text.h"

namespace duet::cli {

// Writes to standard error, so that the result on standard output stays clean.
class BenchProgress {
 public:
  // `names`: the arms', printable. `warmup`: of the load. `command`: whose lines they are, "bench".
  BenchProgress(std::vector<std::string> names, Nanos warmup, std::string command = "bench");
  ~BenchProgress() { clear(); }
  BenchProgress(const BenchProgress&) = delete;
  BenchProgress& operator=(const BenchProgress&) = delete;

  // A line that stays.
  void note(const std::string& line);
  // A load, `elapsed` of `length`.
  void show(const bench::Generator& generator, Nanos elapsed, Nanos length);
  // A search: what the trials of each arm say so far, and which arm's turn it was, at which rate.
  void show(const std::vector<bench::CapacitySearch>& searches, std::size_t turn, double rate,
            const bench::Trial& trial);
  // Cold starts: so many of each were measured.
  void show(std::uint32_t done, std::uint32_t starts);
  // Takes the picture away.
  void clear();

 private:
  void draw(const LivePicture& picture);
  std::string to_top() const;

  const std::vector<std::string> names_;
  const Nanos warmup_;
  const std::string command_;
  const bool terminal_;
  const bool color_;
  const Nanos begun_;
  std::vector<std::size_t> drawn_;  // the widths of the lines on the terminal
  Nanos next_line_;                 // elsewhere: when the next line is due
};

}  // namespace duet::cli
