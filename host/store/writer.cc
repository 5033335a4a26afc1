#include "host/store/writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/store/shadow_json.h"
#include "host/store/state_json.h"

namespace duet::store {

namespace {

constexpr std::chrono::seconds kAgain{1};
constexpr std::chrono::seconds kAtTheEnd{5};
// Between two tries to open it: the first, then twice as long each time up to the longest.
constexpr std::chrono::milliseconds kFirstPause{1000};
constexpr std::chrono::milliseconds kLongestPause{30'000};
// Of an experiment whose database cannot be written, the latest ones. Keys need no limit: as
// visitors come, ever fewer of them are counted by their keys (stats/distinct_keys.h).
constexpr std::size_t kMostAudit = 1000;

// `later` on top of `earlier`.
void add(std::vector<Moment>& earlier, std::vector<Moment> later) {
  for (Moment& one : later) {
    const auto before = std::find_if(earlier.begin(), earlier.end(), [&](const Moment& other) {
      return other.spec.spec.name == one.spec.spec.name;
    });
    if (before == earlier.end()) {
      earlier.push_back(std::move(one));
      continue;
    }
    before->keys.insert(before->keys.end(), one.keys.begin(), one.keys.end());
    std::move(one.audit.begin(), one.audit.end(), std::back_inserter(before->audit));
    if (before->audit.size() > kMostAudit) {
      before->audit.erase(before->audit.begin(),
                          before->audit.end() - static_cast<std::ptrdiff_t>(kMostAudit));
    }
    std::erase_if(before->ended, [&](const auto& ended) {
      return ended.ticket < one.state.experiment.evidence.first;
    });
    before->ended.insert(before->ended.end(), one.ended.begin(), one.ended.end());
    one.keys = std::move(before->keys);
    one.ended = std::move(before->ended);
    one.audit = std::move(before->audit);
    if (!one.shadow) one.shadow = std::move(before->shadow);
    *before = std::move(one);
  }
}

std::vector<Kept> as_text(const std::vector<Moment>& moments) {
  std::vector<Kept> all;
  for (const Moment& one : moments) {
    all.push_back({one.spec.spec.name,
                   fingerprint(one.spec),
                   one.at,
                   one.clean,
                   to_json(one.state, one.spec),
                   one.state.experiment.evidence.first,
                   one.keys,
                   one.ended,
                   one.audit,
                   {}});
    if (one.shadow) all.back().shadow = shadow_json(*one.shadow);
  }
  return all;
}

}  // namespace

struct Writer::Shared {
  // --- the thread's alone ---
  std::unique_ptr<Database> database;  // null: not opened yet
  Wanted wanted;
  std::chrono::milliseconds pause = kAgain;

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Moment> waiting;
  std::string trouble;
  bool stopping = false;
  bool ended = false;

  Result<void> open();
  Result<void> write(const std::vector<Moment>& moments);
};

Result<void> Writer::Shared::open() {
  std::string note;
  auto opened = Database::open(wanted.path, note);
  if (!note.empty()) {
    log::error("experiments: what was counted before is lost: the store " + note,
               {{"store", wanted.path}});
  }
  if (!opened) return opened.error();
  const auto all = (*opened)->read();
  if (!all) return all.error();
  for (const Kept& kept : *all) {
    const auto found = wanted.taken_up.find(kept.experiment);
    if (found == wanted.taken_up.end() || found->second == kept.at) continue;
    const bool unread = !found->second;
    auto done = unread ? (*opened)->retire(kept.experiment, static_cast<double>(wall_now()) * 1e-9)
                       : (*opened)->forget_ended(kept.experiment);
    if (!done) return done;
    found->second = kept.at;  // should the next step fail, it is done
    log::warn(unread
                  ? "an experiment has begun anew at the start; what it had counted before stays "
                    "in the store"
                  : "what another process has counted of an experiment since the start is "
                    "replaced",
              {{"experiment", kept.experiment}, {"store", wanted.path}});
  }
  database = std::move(opened).value();
  return {};
}

Result<void> Writer::Shared::write(const std::vector<Moment>& moments) {
  if (database == nullptr) {
    auto opened = open();
    pause = opened ? kAgain : std::min(2 * pause, kLongestPause);
    if (!opened) return opened;
  }
  return database->write(as_text(moments));
}

Writer::Writer(std::unique_ptr<Database> database) : shared_(std::make_shared<Shared>()) {
  shared_->database = std::move(database);
  std::thread([shared = shared_] { work(shared); }).detach();
}

Writer::Writer(Wanted wanted) : shared_(std::make_shared<Shared>()) {
  shared_->trouble = wanted.why.to_string();
  shared_->wanted = std::move(wanted);
  shared_->pause = kFirstPause / 2;  // it doubles before it is used
  std::thread([shared = shared_] { work(shared); }).detach();
}

Writer::~Writer() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
  if (shared_->changed.wait_for(lock, kAtTheEnd, [this] { return shared_->ended; })) return;
  log::error("experiments: the last second is not kept: the disk does not answer");
}

void Writer::put(std::vector<Moment> moments) {
  const std::lock_guard lock(shared_->mutex);
  add(shared_->waiting, std::move(moments));
  shared_->changed.notify_all();
}

std::string Writer::trouble() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->trouble;
}

void Writer::work(const std::shared_ptr<Shared>& shared) {
  bool in_trouble = shared->database == nullptr;
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->stopping || !shared->waiting.empty(); });
    if (shared->waiting.empty()) break;
    const bool last = shared->stopping;
    std::vector<Moment> moments = std::exchange(shared->waiting, {});
    lock.unlock();
    const Result<void> written = shared->write(moments);
    lock.lock();
    shared->trouble = written ? "" : written.error().to_string();
    lock.unlock();
    // Said without the lock, which the loop takes: the log may be on the disk that hangs.
    if (written && in_trouble) {
      log::info("experiments: what is counted is kept again, with what was counted meanwhile");
    } else if (!written && (!in_trouble || last)) {
      log::error(last ? "experiments: what was counted last is not kept"
                      : "experiments: what is counted is not kept at present",
                 {{"store", written.error().where},
                  {"why", written.error().message},
                  {"hint", written.error().hint}});
    }
    in_trouble = !written;
    lock.lock();
    if (written) continue;
    if (last) break;
    std::swap(moments, shared->waiting);
    add(shared->waiting, std::move(moments));
    shared->changed.wait_for(lock, shared->pause, [&] { return shared->stopping; });
  }
  shared->database.reset();
  shared->ended = true;
  shared->changed.notify_all();
}

}  // namespace duet::store
