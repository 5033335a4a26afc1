// Tells a service elsewhere by HTTP POST, from a thread of its own: whoever has something to say
// puts it into a bounded queue and goes on.
//
// One letter at a time, in the order in which they came. What the service does not take now (it is
// down, does not answer in time, or says 408, 429 or 5xx) is tried again after a pause that
// doubles; what it refuses (any other status) or never takes is given up. Both are logged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/base/clock.h"

namespace duet::outbox {

struct Letter {
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // beside those of the options
  std::uint64_t items = 1;                                  // how many things it tells of
};

struct Options {
  std::string name;  // "webhook": of the log's lines
  std::string url;   // as a person wrote it, for the log
  std::string host;  // a name or an address
  std::uint16_t port = 80;
  std::string authority;                                    // of the field Host
  std::string target;                                       // path and query
  std::vector<std::pair<std::string, std::string>> fields;  // Content-Type and others
  std::size_t most_waiting = 64;                            // letters; one more is not taken
  std::size_t attempts = 10;     // of each letter: 8 minutes with these pauses
  Nanos timeout = 10 * kSecond;  // of one attempt
  Nanos first_pause = kSecond;   // then twice that, and so on
  Nanos longest_pause = 60 * kSecond;
  Nanos at_the_end = 2 * kSecond;  // what the destructor waits for
};

class Outbox {
 public:
  explicit Outbox(Options options);
  // Tries what is left, each letter once.
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // False: too many wait, so this one is lost; the log has it. Any thread; never waits.
  bool put(Letter letter);

  // In items. Any thread.
  struct Figures {
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;  // given up, refused, or not taken
  };
  Figures figures() const;

 private:
  struct Shared;  // outlives this when the network hangs
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace duet::outbox
