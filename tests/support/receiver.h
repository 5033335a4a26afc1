// A service that is posted to, for tests: keeps what comes and answers as it is told.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace duet::testing_support {

class Receiver {
 public:
  // Port 0: any that is free.
  explicit Receiver(std::uint16_t port = 0);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  struct Post {
    std::string target;
    std::map<std::string, std::string> fields;  // names in lower case
    std::string body;
  };

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& target = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + target;
  }
  // What has come so far.
  std::vector<Post> posts() const;
  bool eventually_has(std::size_t posts) const;

  std::atomic<int> status{200};     // of the answers from now on
  std::atomic<bool> answers{true};  // false: the connection stays open and nothing is said

 private:
  void serve();
  void take(int fd);

  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<Post> posts_;  // guarded by mutex_
  std::vector<int> open_;    // connections that are not answered; the thread's
  std::thread thread_;
};

// A port that nobody listens at until a server with SO_REUSEADDR is told its number.
std::uint16_t free_port();

}  // namespace duet::testing_support
