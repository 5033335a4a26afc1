// The file that experiments are kept in: SQLite, in WAL mode.
//
//   experiments  one row an experiment: its state (state_json.h) and when it was written. One that
//                began anew, because its configuration changed, stays with a `replaced_at`
//   keys         visitors who were counted once (Evidence::Key), in the order they came in
//   ended        requests that ended behind an older one in flight, and are not in the evidence yet
//   audit        what was decided, by whom, when
//   shadow       one row an experiment that has shadow traffic: what that has shown
//                (shadow_json.h); a row of its own, because it changes at other times
//
// One transaction a write, so whenever a process ends the file holds one moment of it, at most the
// last second old; after a power failure, one that the disk had. Times: seconds since 1970. One
// thread at a time; nothing is thrown.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/experiment/evidence.h"
#include "host/experiment/live_snapshot.h"
#include "host/store/file_lock.h"

struct sqlite3;

namespace duet::store {

// The detail of open()'s error when another duet has the file.
inline constexpr const char* kAnotherDuet = "another duet";

// One experiment: as it is in the file, or what is to be written of it.
struct Kept {
  std::string experiment;   // its name
  std::string fingerprint;  // state_json.h
  double at = 0;            // when it was like this
  bool clean = false;       // whoever wrote it has stopped, so that nothing is in flight
  std::string state;        // replaces what there was
  // Written: of `ended`, those with lower tickets are in the evidence and go.
  experiment::Evidence::Ticket first = 0;
  // Read: all, of the audit the last 200 entries. Written: those that came since the last write.
  std::vector<experiment::Evidence::Key> keys;
  std::vector<experiment::ArrivalOrder::Ended> ended;
  std::vector<experiment::AuditEntry> audit;
  std::optional<std::string> shadow;  // replaces what there was; nothing: leaves it
};

class Database {
 public:
  // Makes the file if there is none. One process has it at a time, by a lock that goes with the
  // process and that its children do not have. A damaged file of duet's is put aside and a new one
  // begun, which `note` says; a file that is not duet's is left alone. Errors: that, another
  // process, the folder, the disk.
  static Result<std::unique_ptr<Database>> open(const std::string& path, std::string& note);
  // To read only, also while a host writes it, or when nobody could (a full disk); takes no lock.
  // Errors: it is none of duet's.
  static Result<std::unique_ptr<Database>> open_to_read(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Those that were not retired.
  Result<std::vector<Kept>> read();
  // The experiment of that name begins anew; the one before stays in the file.
  Result<void> retire(const std::string& experiment, double at);
  // What it has in `ended` is of another process than the one that writes from now on.
  Result<void> forget_ended(const std::string& experiment);
  // All or nothing. Errors: locked by another program, full, damaged, removed ...
  Result<void> write(const std::vector<Kept>& changes);

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}
  Result<void> lock();
  enum class Access : std::uint8_t { kWrite, kRead, kReadUnchanging };
  Result<void> connect(Access access);
  Result<void> run(const char* sql);
  bool write_one(const Kept& one);
  bool read_ended(std::int64_t id, std::vector<experiment::ArrivalOrder::Ended>& all);
  bool read_shadow(std::int64_t id, std::optional<std::string>& shadow);
  Error error(const std::string& what) const;

  std::string path_;
  FileLock lock_;
  sqlite3* db_ = nullptr;
  std::int64_t version_ = 0;  // of the tables that are there
};

}  // namespace duet::store
