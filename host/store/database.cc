#include "host/store/database.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

namespace duet::store {

namespace {

constexpr int kApplication = 0x44756574;  // "Duet": what file(1) and we know the file by
constexpr int kVersion = 3;               // 1 had no table `ended`, 2 no `shadow`
// Another program's lock is waited for on the thread that writes; a second later it is tried again.
constexpr int kBusyMilliseconds = 250;

constexpr const char* kSchema = R"(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS experiments (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, fingerprint TEXT NOT NULL, at REAL NOT NULL,
  clean INTEGER NOT NULL, state TEXT NOT NULL, replaced_at REAL);
CREATE UNIQUE INDEX IF NOT EXISTS present ON experiments (name) WHERE replaced_at IS NULL;
CREATE TABLE IF NOT EXISTS keys (
  id INTEGER PRIMARY KEY, experiment INTEGER NOT NULL, of INTEGER NOT NULL, kind INTEGER NOT NULL,
  hash INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY, experiment INTEGER NOT NULL, at REAL NOT NULL, who TEXT NOT NULL,
  what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ended (
  experiment INTEGER NOT NULL, ticket INTEGER NOT NULL, variant INTEGER NOT NULL,
  failed INTEGER NOT NULL, total INTEGER NOT NULL, cpu INTEGER NOT NULL, slice INTEGER NOT NULL,
  key INTEGER, PRIMARY KEY (experiment, ticket)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shadow (experiment INTEGER PRIMARY KEY, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS keys_of ON keys (experiment);
CREATE INDEX IF NOT EXISTS audit_of ON audit (experiment);
PRAGMA application_id = 1148544372;
PRAGMA user_version = 3;
COMMIT)";
static_assert(kApplication == 1148544372 && kVersion == 3, "as the schema says");

// A prepared statement; a failed step is remembered by the connection.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) {
    if (sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value) {
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }
  Statement& bind(double value) {
    sqlite3_bind_double(statement_, ++bound_, value);
    return *this;
  }
  Statement& bind_null() {
    sqlite3_bind_null(statement_, ++bound_);
    return *this;
  }
  // The text outlives the statement's next step.
  Statement& bind(std::string_view text) {
    sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }
  // Whether there is a row.
  bool row() {
    result_ = sqlite3_step(statement_);
    return result_ == SQLITE_ROW;
  }
  // Of a statement without rows; afterwards it can be bound anew.
  bool done() {
    result_ = sqlite3_step(statement_);
    bound_ = 0;
    return sqlite3_reset(statement_) == SQLITE_OK && result_ == SQLITE_DONE;
  }
  bool failed() const { return result_ != SQLITE_ROW && result_ != SQLITE_DONE; }

  std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  bool null(int column) { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  double real(int column) { return sqlite3_column_double(statement_, column); }
  std::string text(int column) {
    const unsigned char* bytes = sqlite3_column_text(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr
               ? std::string()
               : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int result_ = SQLITE_OK;
};

std::string in_words(int number) { return std::strerror(number); }

// By the bytes of its head, which is all that can be trusted of a damaged file.
bool is_ours(int fd) {
  unsigned char head[72];
  if (pread(fd, head, sizeof head, 0) != sizeof head) return false;
  constexpr unsigned char kOurs[] = {'D', 'u', 'e', 't'};
  return std::memcmp(head + 68, kOurs, sizeof kOurs) == 0;
}

// As a part of a URI.
std::string encoded(const std::string& path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/' || c == '.' || c == '-' || c == '_') {
      text += c;
    } else {
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

bool put_aside(const std::string& path, const std::string& aside) {
  for (const char* part : {"-wal", "-shm"}) {
    std::rename((path + part).c_str(), (aside + part).c_str());
  }
  return std::rename(path.c_str(), aside.c_str()) == 0;
}

}  // namespace

Database::~Database() {
  sqlite3_close(db_);
  lock_.release();  // after SQLite's: closing a file gives up this process's locks on it
}

Error Database::error(const std::string& what) const {
  const int code = db_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(db_);
  std::string hint;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      hint = "another program has locked it";
      break;
    case SQLITE_FULL:
    case SQLITE_IOERR:
      hint = "is the disk full?";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      hint = "duet writes the file and two beside it: may it?";
      break;
    case SQLITE_NOTADB:
      hint = "name one that a host keeps its experiments in: store in [server], or duet.db";
      break;
    case SQLITE_CORRUPT:
      hint = "the file is damaged: at the next start it is put aside";
      break;
    default:
      break;
  }
  return {what + ": " + (db_ == nullptr ? "out of memory" : sqlite3_errmsg(db_)), path_, hint, {}};
}

Result<void> Database::lock() {
  switch (lock_.take(path_)) {
    case FileLock::Taken::kYes:
      return {};
    case FileLock::Taken::kCannotOpen:
      return Error{"cannot be opened for writing: " + in_words(errno),
                   path_,
                   "name another file by store = \"...\" in [server], or \"off\"",
                   {}};
    case FileLock::Taken::kByAnother:
      break;
  }
  return Error{"another duet writes it", path_,
               "stop that one, or give each a file of its own by store = \"...\" in [server]",
               kAnotherDuet};
}

Result<void> Database::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  Error why = error("cannot be used");
  if (sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  return why;
}

// Errors of a damaged file have "damaged" as their detail.
Result<void> Database::connect(Access access) {
  const bool to_write = access == Access::kWrite;
  const bool unchanging = access == Access::kReadUnchanging;
  if (!to_write && ::access(path_.c_str(), F_OK) != 0) {
    return Error{"cannot be opened: " + in_words(errno),
                 path_,
                 "a host keeps its experiments in duet.db beside duet.toml, or as store says there",
                 {}};
  }
  const std::string name = unchanging ? "file:" + encoded(path_) + "?immutable=1" : path_;
  const int flags = (to_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    (unchanging ? SQLITE_OPEN_URI : 0);
  if (sqlite3_open_v2(name.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    return error("cannot be opened");
  }
  sqlite3_extended_result_codes(db_, 0);
  sqlite3_busy_timeout(db_, kBusyMilliseconds);
  std::int64_t application = 0, version = 0, tables = 0;
  {
    Statement about(db_,
                    "SELECT (SELECT application_id FROM pragma_application_id), "
                    "(SELECT user_version FROM pragma_user_version), "
                    "(SELECT count(*) FROM sqlite_schema)");
    if (!about.row()) return error("cannot be read");
    application = about.integer(0);
    version = about.integer(1);
    tables = about.integer(2);
  }
  if (application != kApplication && (application != 0 || tables != 0)) {
    return Error{"is a database of something else, and left as it is",
                 path_,
                 "name another file by store = \"...\" in [server]",
                 {}};
  }
  if (!to_write && application != kApplication) {
    return Error{"is no database of duet's", path_, {}, {}};
  }
  if (version > kVersion) {
    return Error{"was written by a later version of duet",
                 path_,
                 "use that one, or name another file by store = \"...\" in [server]",
                 {}};
  }
  version_ = to_write ? kVersion : version;
  if (!to_write) return {};
  {
    Statement check(db_, "PRAGMA quick_check(1)");
    if (!check.row()) return error("cannot be read");
    if (const std::string found = check.text(0); found != "ok") {
      return Error{"is damaged: " + found, path_, {}, "damaged"};
    }
  }
  if (auto made = run(kSchema); !made) return made;
  // NORMAL: a commit outlives the process without waiting for the disk, which can take seconds.
  // Only the first write of a log waits, so it is made here.
  return run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA user_version = 3");
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, std::string& note) {
  for (int attempt = 0;; ++attempt) {
    std::unique_ptr<Database> database(new Database(path));
    if (auto locked = database->lock(); !locked) return std::move(locked).error();
    const auto connected = database->connect(Access::kWrite);
    if (connected) return database;
    const int code = sqlite3_errcode(database->db_) & 0xff;
    const bool damaged =
        connected.error().detail == "damaged" || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    if (!damaged || attempt > 0) return connected.error();
    if (!is_ours(database->lock_.fd())) {
      return Error{"is no database of duet's, and left as it is",
                   path,
                   "name another file by store = \"...\" in [server]",
                   {}};
    }
    std::string aside = path + ".damaged-" + std::to_string(std::time(nullptr));
    sqlite3_close(std::exchange(database->db_, nullptr));
    if (!put_aside(path, aside)) {
      return Error{
          "is damaged, and cannot be put aside: " + in_words(errno), path, "move it away", {}};
    }
    note = connected.error().message + "; it is now " + aside + ", and a new one is begun";
  }
}

Result<std::unique_ptr<Database>> Database::open_to_read(const std::string& path) {
  std::unique_ptr<Database> database(new Database(path));
  const auto connected = database->connect(Access::kRead);
  if (connected) return database;
  // To read a database in WAL mode takes files beside it, for which there may be no room. A log
  // that is not there says that nobody writes.
  struct stat log {};
  if (stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0) return connected.error();
  database.reset(new Database(path));
  if (!database->connect(Access::kReadUnchanging)) return connected.error();
  return database;
}

Result<std::vector<Kept>> Database::read() {
  std::vector<Kept> all;
  Statement rows(db_,
                 "SELECT id, name, fingerprint, at, clean, state FROM experiments "
                 "WHERE replaced_at IS NULL ORDER BY id");
  while (rows.row()) {
    Kept& kept = all.emplace_back();
    const std::int64_t id = rows.integer(0);
    kept.experiment = rows.text(1);
    kept.fingerprint = rows.text(2);
    kept.at = rows.real(3);
    kept.clean = rows.integer(4) != 0;
    kept.state = rows.text(5);
    Statement keys(db_, "SELECT of, kind, hash FROM keys WHERE experiment = ? ORDER BY id");
    keys.bind(id);
    while (keys.row()) {
      kept.keys.push_back({static_cast<std::uint32_t>(keys.integer(0)),
                           static_cast<std::uint16_t>(keys.integer(1)),
                           static_cast<std::uint64_t>(keys.integer(2))});
    }
    if (version_ > 1 && !read_ended(id, kept.ended)) return error("cannot be read");
    if (version_ > 2 && !read_shadow(id, kept.shadow)) return error("cannot be read");
    Statement audit(db_,
                    "SELECT at, who, what FROM audit WHERE experiment = ? "
                    "ORDER BY id DESC LIMIT 200");
    audit.bind(id);
    while (audit.row()) kept.audit.push_back({audit.real(0), audit.text(1), audit.text(2)});
    std::reverse(kept.audit.begin(), kept.audit.end());
    if (keys.failed() || audit.failed()) return error("cannot be read");
  }
  if (rows.failed()) return error("cannot be read");
  return all;
}

bool Database::read_ended(std::int64_t id, std::vector<experiment::ArrivalOrder::Ended>& all) {
  Statement rows(db_,
                 "SELECT ticket, variant, failed, total, cpu, slice, key FROM ended "
                 "WHERE experiment = ? ORDER BY ticket");
  rows.bind(id);
  while (rows.row()) {
    auto& [ticket, arrival] = all.emplace_back();
    ticket = static_cast<std::uint64_t>(rows.integer(0));
    arrival.variant = static_cast<std::uint16_t>(rows.integer(1));
    arrival.finished = true;
    arrival.failed = rows.integer(2) != 0;
    arrival.total = rows.integer(3);
    arrival.cpu = rows.integer(4);
    arrival.longest_slice = rows.integer(5);
    if (!rows.null(6)) arrival.key = static_cast<std::uint64_t>(rows.integer(6));
  }
  return !rows.failed();
}

bool Database::read_shadow(std::int64_t id, std::optional<std::string>& shadow) {
  Statement row(db_, "SELECT state FROM shadow WHERE experiment = ?");
  row.bind(id);
  if (row.row()) shadow = row.text(0);
  return !row.failed();
}

Result<void> Database::retire(const std::string& experiment, double at) {
  Statement update(db_,
                   "UPDATE experiments SET replaced_at = ? WHERE name = ? "
                   "AND replaced_at IS NULL");
  if (!update.bind(at).bind(std::string_view(experiment)).done()) return error("cannot be written");
  return {};
}

Result<void> Database::forget_ended(const std::string& experiment) {
  Statement gone(db_,
                 "DELETE FROM ended WHERE experiment IN "
                 "(SELECT id FROM experiments WHERE name = ? AND replaced_at IS NULL)");
  if (!gone.bind(std::string_view(experiment)).done()) return error("cannot be written");
  return {};
}

Result<void> Database::write(const std::vector<Kept>& changes) {
  struct stat here {
  }, locked{};
  if (stat(path_.c_str(), &here) != 0 || fstat(lock_.fd(), &locked) != 0 ||
      here.st_ino != locked.st_ino || here.st_dev != locked.st_dev) {
    return Error{"was removed or replaced while it was in use", path_, "restart duet", {}};
  }
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  for (const Kept& one : changes) {
    if (write_one(one)) continue;
    Error why = error("cannot be written");
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    return why;
  }
  return run("COMMIT");
}

bool Database::write_one(const Kept& one) {
  Statement row(db_,
                "INSERT INTO experiments (name, fingerprint, at, clean, state) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) WHERE replaced_at IS NULL DO UPDATE "
                "SET fingerprint = excluded.fingerprint, at = excluded.at, "
                "clean = excluded.clean, state = excluded.state RETURNING id");
  row.bind(std::string_view(one.experiment)).bind(std::string_view(one.fingerprint)).bind(one.at);
  row.bind(std::int64_t{one.clean}).bind(std::string_view(one.state));
  if (!row.row()) return false;
  const std::int64_t id = row.integer(0);
  if (row.row() || row.failed()) return false;
  Statement key(db_, "INSERT INTO keys (experiment, of, kind, hash) VALUES (?, ?, ?, ?)");
  for (const auto& k : one.keys) {
    key.bind(id).bind(std::int64_t{k.set}).bind(std::int64_t{k.kind});
    if (!key.bind(static_cast<std::int64_t>(k.hash)).done()) return false;
  }
  Statement judged(db_, "DELETE FROM ended WHERE experiment = ? AND ticket < ?");
  if (!judged.bind(id).bind(static_cast<std::int64_t>(one.first)).done()) return false;
  Statement ended(db_, "INSERT OR REPLACE INTO ended VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  for (const auto& [ticket, arrival] : one.ended) {
    if (ticket < one.first) continue;
    ended.bind(id).bind(static_cast<std::int64_t>(ticket)).bind(std::int64_t{arrival.variant});
    ended.bind(std::int64_t{arrival.failed}).bind(arrival.total).bind(arrival.cpu);
    ended.bind(arrival.longest_slice);
    if (arrival.key) {
      ended.bind(static_cast<std::int64_t>(*arrival.key));
    } else {
      ended.bind_null();
    }
    if (!ended.done()) return false;
  }
  Statement audit(db_, "INSERT INTO audit (experiment, at, who, what) VALUES (?, ?, ?, ?)");
  for (const auto& entry : one.audit) {
    audit.bind(id).bind(entry.at).bind(std::string_view(entry.who));
    if (!audit.bind(std::string_view(entry.what)).done()) return false;
  }
  if (!one.shadow) return true;
  Statement shadow(db_, "INSERT OR REPLACE INTO shadow VALUES (?, ?)");
  return shadow.bind(id).bind(std::string_view(*one.shadow)).done();
}

}  // namespace duet::store
