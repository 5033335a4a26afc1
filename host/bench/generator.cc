#include "host/bench/generator.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/base/check.h"

namespace duet::bench {

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
// Few, so that what becomes due is not kept waiting by a long list of answers.
constexpr int kEventsAtOnce = 32;
constexpr Nanos kLookEvery = 20 * kMillisecond;   // for timeouts and broken connections
constexpr Nanos kRetryAfter = 50 * kMillisecond;  // when a server does not take a connection
constexpr Nanos kAfterStop = kSecond;             // for answers to what is in flight
constexpr Nanos kPublishEvery = 500 * kMillisecond;
constexpr double kFastestLoop = 2e6;              // answers a second of a closed loop
constexpr Nanos kBeforeStart = 2 * kMillisecond;  // the first request is not late by our own set-up

// Written by one thread, read by others: no locked instruction.
void count(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

Generator::Generator(std::vector<Target> targets, const Options& options)
    : options_(options), buffer_(kBufferBytes, '\0') {
  for (Target& target : targets) {
    Arm& arm = arms_.emplace_back();
    const std::size_t texts = target.texts.size();
    arm.target = std::move(target);
    arm.lengths.assign(texts, 0);
    arm.digests.assign(texts, 0);
    arm.statuses.assign(texts, 0);
  }
}

Result<std::unique_ptr<Generator>> Generator::create(std::vector<Target> targets,
                                                     const Options& options) {
  raise_descriptor_limit();
  std::unique_ptr<Generator> generator(new Generator(std::move(targets), options));
  generator->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  generator->timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  if (generator->epoll_ < 0 || generator->timer_ < 0 ||
      epoll_ctl(generator->epoll_, EPOLL_CTL_ADD, generator->timer_, &event) != 0) {
    return Error{
        std::string("the load generator cannot start: ") + std::strerror(errno), {}, {}, {}};
  }
  for (std::size_t i = 0; i < generator->arms_.size(); ++i) {
    Arm& arm = generator->arms_[i];
    for (std::uint32_t c = 0; c < options.connections; ++c) {
      arm.connections.push_back(
          std::make_unique<Connection>(static_cast<ConnectionEvents&>(*generator),
                                       generator->epoll_, arm.target, static_cast<std::uint16_t>(i),
                                       options.keep_alive ? options.depth : 1, options.keep_alive));
    }
  }
  return generator;
}

Generator::~Generator() {
  arms_.clear();
  if (timer_ >= 0) close(timer_);
  if (epoll_ >= 0) close(epoll_);
}

Error Generator::not_connected(const Arm& arm) {
  const std::string number = std::to_string(arm.connections.size());
  Error error;
  error.message = arm.free.empty()
                      ? "no connection to " + arm.target.address.to_string()
                      : arm.target.address.to_string() + " takes " +
                            std::to_string(arm.free.size()) + " of " + number + " connections";
  error.message += ": " + (arm.trouble.empty() ? "no answer within the patience" : arm.trouble);
  if (arm.trouble.empty()) {
    error.hint = "fewer --connections, or a server that accepts more at a time";
  } else if (arm.trouble == std::strerror(ECONNREFUSED)) {
    error.hint = "is it running, and is the address right?";
  }
  return error;
}

Result<void> Generator::connect() {
  if (!options_.keep_alive) {
    for (Arm& arm : arms_) {
      for (auto& connection : arm.connections) set_free(*connection);
    }
    return {};
  }
  const Nanos deadline = now() + options_.patience;
  for (Arm& arm : arms_) {
    for (auto& connection : arm.connections) connection->open();
    while (arm.free.size() < arm.connections.size()) {
      const Nanos left = deadline - now();
      if (!arm.trouble.empty() || left <= 0) {
        return not_connected(arm);
      }
      wait(std::min(deadline, now() + kLookEvery));
    }
  }
  return {};
}

void Generator::run(Schedule& schedule, bool closed) {
  schedule_ = &schedule;
  closed_loop_ = closed;
  schedule.closed = closed;
  block_of_.assign(arms_.size(), 0);
  next_text_.assign(arms_.size(), 0);
  if (closed) {
    // Beforehand: moving them during the run would take milliseconds.
    const double most = kFastestLoop * static_cast<double>(schedule.length) / 1e9;
    limit_ = std::min(kMostRequests, static_cast<std::size_t>(most) + 1);
    schedule.samples.reserve(limit_);
  }
  open_ = schedule.samples.size();
  start_ = now() + kBeforeStart;
  running_ = true;
  started_.store(start_, std::memory_order_release);
  for (Nanos at = now(); !over(at); at = now()) {
    if (at - looked_ >= kLookEvery) look_after_all();
    if (closed) begin_blocks();
    send_due();
    wait(next_event());
  }
  running_ = false;
}

bool Generator::over(Nanos at) {
  if (stop_.load(std::memory_order_relaxed) && stopped_at_ == kNever) {
    stopped_at_ = at;
    interrupted_ = true;
    if (!closed_loop_) open_ -= schedule_->samples.size() - next_;  // those stay kPlanned
    next_ = schedule_->samples.size();
    next_block_ = schedule_->blocks.size();
    for (Arm& arm : arms_) {
      for (const std::uint32_t sample : arm.waiting) on_lost(sample, Outcome::kPlanned);
      arm.waiting.clear();
    }
  }
  const bool all_sent = closed_loop_ ? since_start(at) >= schedule_->length || stopped_at_ != kNever
                                     : next_ == schedule_->samples.size();
  if (!all_sent) return false;
  if (open_ == 0) return true;
  const Nanos end = stopped_at_ != kNever ? stopped_at_ + kAfterStop
                                          : start_ + schedule_->length + options_.patience;
  if (at < end) return false;
  const Outcome why = stopped_at_ != kNever ? Outcome::kPlanned : Outcome::kTimeout;
  for (Arm& arm : arms_) {
    for (auto& connection : arm.connections) {
      if (connection->in_flight() > 0) connection->abandon(why);
    }
    for (const std::uint32_t sample : arm.waiting) on_lost(sample, why_unsent(arm));
    arm.waiting.clear();
  }
  return true;
}

void Generator::send_due() {
  std::vector<Sample>& samples = schedule_->samples;
  if (!closed_loop_) {
    for (; next_ < samples.size(); ++next_) {
      const Nanos at = since_start(now());
      if (samples[next_].due > at) break;
      samples[next_].tried = at;
      samples[next_].outcome = Outcome::kOpen;
      dispatch(static_cast<std::uint32_t>(next_));
    }
  }
  flush();
}

void Generator::dispatch(std::uint32_t index) {
  Arm& arm = arms_[schedule_->samples[index].arm];
  if (arm.free.empty()) {
    arm.waiting.push_back(index);
    return;
  }
  Connection& connection = *arm.free.front();
  give(connection, index);
  if (!connection.has_room()) {
    arm.free.pop_front();
    connection.in_free_list = false;
  }
}

void Generator::give(Connection& connection, std::uint32_t sample) {
  connection.push(sample, schedule_->samples[sample].text);
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_.push_back(&connection);
  }
}

void Generator::set_free(Connection& connection) {
  if (connection.in_free_list) return;
  connection.in_free_list = true;
  arms_[connection.arm()].free.push_back(&connection);
}

void Generator::flush() {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Connection& connection = *dirty_[i];
    connection.dirty = false;
    // The next batch begins on another connection, so that requests share one only when they must.
    std::deque<Connection*>& free = arms_[connection.arm()].free;
    if (connection.in_free_list && free.size() > 1 && free.front() == &connection) {
      free.pop_front();
      free.push_back(&connection);
    }
    connection.flush();
  }
  dirty_.clear();
}

void Generator::begin_blocks() {
  const Nanos at = since_start(now());
  const std::vector<Block>& blocks = schedule_->blocks;
  for (; next_block_ < blocks.size() && blocks[next_block_].from <= at; ++next_block_) {
    const std::uint16_t arm = blocks[next_block_].arm;
    block_of_[arm] = static_cast<std::uint32_t>(next_block_);
    for (auto& connection : arms_[arm].connections) {
      const bool usable = connection->state() == Connection::State::kOpen || !options_.keep_alive;
      if (usable) ask_again(*connection);
    }
  }
}

// A closed loop: the connection is filled up, as long as its arm has its turn.
void Generator::ask_again(Connection& connection) {
  const std::uint16_t arm = connection.arm();
  const Block& block = schedule_->blocks[block_of_[arm]];
  while (connection.has_room()) {
    if (schedule_->samples.size() == limit_) {
      stop();
      return;
    }
    const Nanos at = since_start(now());
    if (next_block_ == 0 || block.arm != arm || at < block.from || at >= block.to ||
        stopped_at_ != kNever) {
      return;
    }
    Sample sample;
    sample.due = sample.tried = at;
    sample.arm = arm;
    sample.block = block_of_[arm];
    sample.text = text_at(schedule_->order, next_text_[arm]++,
                          static_cast<std::uint32_t>(arms_[arm].target.texts.size()));
    sample.outcome = Outcome::kOpen;
    schedule_->samples.push_back(sample);
    ++open_;
    give(connection, static_cast<std::uint32_t>(schedule_->samples.size() - 1));
  }
}

// When there is something to do without any answer.
Nanos Generator::next_event() const {
  Nanos next = looked_ + kLookEvery;
  if (closed_loop_) {
    if (next_block_ < schedule_->blocks.size()) {
      next = std::min(next, start_ + schedule_->blocks[next_block_].from);
    }
  } else if (next_ < schedule_->samples.size()) {
    next = std::min(next, start_ + schedule_->samples[next_].due);
  }
  return next;
}

void Generator::wait(Nanos until) {
  int milliseconds = 0;
  if (until - now() > options_.spin) {
    const Nanos wake = until - options_.spin;
    itimerspec at{};
    at.it_value = {wake / kSecond, wake % kSecond};
    if (timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr) == 0) milliseconds = -1;
  }
  epoll_event events[kEventsAtOnce];
  const int number = epoll_wait(epoll_, events, kEventsAtOnce, milliseconds);
  for (int i = 0; i < number; ++i) {
    auto* connection = static_cast<Connection*>(events[i].data.ptr);
    if (connection == nullptr) {
      std::uint64_t expirations = 0;
      while (read(timer_, &expirations, sizeof expirations) < 0 && errno == EINTR) {
      }
      continue;
    }
    connection->on_ready(events[i].events, buffer_);
    if (running_) send_due();
  }
}

// All connections are busy, or the server takes none any more.
Outcome Generator::why_unsent(const Arm& arm) {
  const bool open = std::any_of(
      arm.connections.begin(), arm.connections.end(),
      [](const auto& connection) { return connection->state() == Connection::State::kOpen; });
  return open || arm.trouble.empty() ? Outcome::kUnsent : Outcome::kRefused;
}

void Generator::look_after_all() {
  const Nanos at = looked_ = now();
  for (Arm& arm : arms_) {
    for (auto& connection : arm.connections) {
      const Nanos since = connection->waiting_since();
      if (since != kNever && at - since > options_.patience) {
        connection->abandon(Outcome::kTimeout);
      }
    }
    while (!arm.waiting.empty() &&
           since_start(at) - schedule_->samples[arm.waiting.front()].tried > options_.patience) {
      on_lost(arm.waiting.front(), why_unsent(arm));
      arm.waiting.pop_front();
    }
  }
  reopen(at);
  if (at - published_ >= kPublishEvery) publish(at);
}

void Generator::publish(Nanos at) {
  const bool warm = since_start(published_) >= options_.warmup;  // all that was seen since then
  published_ = at;
  for (Arm& arm : arms_) {
    if (arm.seen.count() == 0) continue;
    arm.p50.store(arm.seen.quantile(0.5), std::memory_order_relaxed);
    arm.p99.store(arm.seen.quantile(0.99), std::memory_order_relaxed);
    if (!warm) arm.seen.reset();
  }
}

Generator::Live Generator::live(std::uint16_t arm) const {
  const Arm& one = arms_[arm];
  return {one.answered.load(std::memory_order_relaxed), one.failed.load(std::memory_order_relaxed),
          one.p50.load(std::memory_order_relaxed), one.p99.load(std::memory_order_relaxed)};
}

void Generator::reopen(Nanos at) {
  std::vector<Connection*> broken = std::move(broken_);
  broken_.clear();
  for (Connection* connection : broken) {
    if (connection->retry_at > at) {
      broken_.push_back(connection);
    } else if (!options_.keep_alive) {
      on_room(*connection);
    } else if (connection->state() == Connection::State::kClosed) {
      connection->open();
    }
  }
}

void Generator::on_sent(std::uint32_t sample, Nanos at) {
  schedule_->samples[sample].sent = since_start(at);
}

void Generator::on_answer(Connection& connection, std::uint32_t index, int status,
                          std::uint64_t digest, bool hashed, Nanos at) {
  Sample& sample = schedule_->samples[index];
  Arm& arm = arms_[connection.arm()];
  // The wall clock's distance is known within a microsecond: an answer is not older than its
  // request.
  const Nanos done = std::max(since_start(at), sample.sent);
  sample.status = static_cast<std::uint16_t>(status);
  sample.outcome = status < 400 ? Outcome::kAnswered : Outcome::kBadStatus;
  std::uint64_t& first = (hashed ? arm.digests : arm.lengths)[sample.text];
  std::uint16_t& first_status = arm.statuses[sample.text];
  if (first == 0) first = digest + 1;
  if (first_status == 0) first_status = sample.status;
  sample.changed = first != digest + 1 || first_status != sample.status;
  --open_;
  sample.done = done;
  count(status < 400 ? arm.answered : arm.failed);
  arm.seen.record(sample.latency());
}

void Generator::on_lost(std::uint32_t index, Outcome why) {
  Sample& sample = schedule_->samples[index];
  sample.outcome = why;
  --open_;
  if (why != Outcome::kPlanned) count(arms_[sample.arm].failed);
}

void Generator::on_room(Connection& connection) {
  if (closed_loop_ && running_) {
    ask_again(connection);
    return;
  }
  Arm& arm = arms_[connection.arm()];
  while (connection.has_room() && !arm.waiting.empty()) {
    give(connection, arm.waiting.front());
    arm.waiting.pop_front();
  }
  if (connection.has_room()) set_free(connection);
}

void Generator::on_closed(Connection& connection, int code) {
  Arm& arm = arms_[connection.arm()];
  if (code > 0) arm.trouble = std::strerror(code);
  if (code < 0) {
    arm.trouble = "it answers " + std::to_string(-code) + " to the handshake of a WebSocket";
  }
  if (code == 0 && !running_) arm.trouble = "the server closed it";
  if (!connection.trouble().empty()) arm.trouble = connection.trouble();
  if (!options_.keep_alive && code == 0) {
    on_room(connection);
    return;
  }
  if (connection.in_free_list) {
    std::erase(arm.free, &connection);
    connection.in_free_list = false;
  }
  connection.retry_at = code == 0 ? 0 : now() + kRetryAfter;
  broken_.push_back(&connection);
}

}  // namespace duet::bench
