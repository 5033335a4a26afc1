#include "host/outbox/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "host/base/log.h"
#include "host/outbox/post.h"

namespace duet::outbox {

namespace {

std::string head_of(const Options& options, const Letter& letter) {
  std::string head = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: duet\r\nConnection: close\r\n"
      "Content-Length: {}\r\n",
      options.target, options.authority, letter.body.size());
  for (const auto* fields : {&options.fields, &letter.fields}) {
    for (const auto& [name, value] : *fields) head += fmt::format("{}: {}\r\n", name, value);
  }
  return head + "\r\n";
}

bool is_worth_another_try(int status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace

struct Outbox::Shared {
  explicit Shared(Options of) : options(std::move(of)) {}

  const Options options;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<Letter> waiting;
  Figures figures;
  bool full = false;  // has been said
  bool stopping = false;
  bool ended = false;

  void tell(log::Level level, const std::string& what, const std::string& why = "",
            const std::string& hint = "") const {
    log::write(level, options.name + ": " + what,
               {{"url", options.url}, {"why", why}, {"hint", hint}});
  }
  bool deliver(const Letter& letter, std::string& why, bool& again) const {
    const auto status = post(options.host, options.port, head_of(options, letter), letter.body,
                             stopping_soon() ? options.at_the_end : options.timeout);
    again = !status || is_worth_another_try(*status);
    if (status && *status >= 200 && *status < 300) return true;
    why = status ? "it answers with status " + std::to_string(*status) : status.error().message;
    return false;
  }
  bool stopping_soon() const {
    const std::lock_guard lock(mutex);
    return stopping;
  }
};

Outbox::Outbox(Options options) : shared_(std::make_shared<Shared>(std::move(options))) {
  std::thread([shared = shared_] { work(shared); }).detach();
}

Outbox::~Outbox() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
  const auto patience = std::chrono::nanoseconds(shared_->options.at_the_end);
  if (shared_->changed.wait_for(lock, patience, [this] { return shared_->ended; })) return;
  shared_->tell(log::Level::kError, "what was told last is lost: the service does not answer");
}

bool Outbox::put(Letter letter) {
  bool say = false;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() < shared_->options.most_waiting) {
      shared_->full = false;
      shared_->waiting.push_back(std::move(letter));
      shared_->changed.notify_all();
      return true;
    }
    shared_->figures.lost += letter.items;
    say = !std::exchange(shared_->full, true);
  }
  if (say) {
    shared_->tell(log::Level::kError, "what is told from now on is lost, because too much waits",
                  "the service takes less than there is, or nothing");
  }
  return false;
}

Outbox::Figures Outbox::figures() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->figures;
}

void Outbox::work(const std::shared_ptr<Shared>& shared) {
  const Options& options = shared->options;
  bool in_trouble = false;
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->stopping || !shared->waiting.empty(); });
    if (shared->waiting.empty()) break;
    const Letter letter = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    Nanos pause = options.first_pause;
    for (std::size_t attempt = 1;; ++attempt) {
      lock.unlock();
      std::string why;
      bool again = false;
      const bool delivered = shared->deliver(letter, why, again);
      if (delivered && in_trouble) shared->tell(log::Level::kInfo, "is delivered again");
      if (!delivered && again && !in_trouble) {
        shared->tell(log::Level::kWarn, "cannot be delivered at present; it is tried again", why);
      }
      in_trouble = !delivered && again;
      const bool last = !again || attempt >= options.attempts || shared->stopping_soon();
      if (!delivered && last) {
        shared->tell(log::Level::kError, "is given up: what it told of is lost", why,
                     again ? "" : "the service refuses it: is the URL the right one?");
      }
      lock.lock();
      if (delivered) shared->figures.delivered += letter.items;
      if (!delivered && last) shared->figures.lost += letter.items;
      if (delivered || last) break;
      shared->changed.wait_for(lock, std::chrono::nanoseconds(pause),
                               [&] { return shared->stopping; });
      pause = std::min(2 * pause, options.longest_pause);
    }
  }
  shared->ended = true;
  shared->changed.notify_all();
}

}  // namespace duet::outbox
