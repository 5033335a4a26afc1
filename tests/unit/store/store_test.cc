// Experiments in their file: what is written is what another process reads, and whatever is wrong
// with the file is said and ends nothing.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "host/store/database.h"
#include "host/store/shadow_json.h"
#include "host/store/state_json.h"
#include "host/store/writer.h"
#include "tests/support/eventually.h"

namespace duet::store {
namespace {

namespace fs = std::filesystem;
using experiment::Live;
using testing_support::eventually;

experiment::LiveSpec spec_of() {
  experiment::LiveSpec spec;
  spec.spec.name = "country";
  spec.spec.salt = "salt";
  spec.spec.variants = {"js", "py"};
  spec.spec.weights = {1, 1};
  spec.spec.guardrails = {{experiment::Guardrail::Kind::kErrors}};
  spec.variants = {{"js", 0, false}, {"py", 1, false}};
  return spec;
}

// Of an experiment that served some requests.
Live::State state_after(int requests) {
  auto live = Live::create(spec_of()).value();
  const http::RequestHead head;
  std::string_view key;
  std::unique_ptr<std::string> cookie;
  for (int i = 0; i < requests; ++i) {
    const Nanos at = (i + 1) * kMillisecond;
    const auto choice = live->choose(head, "", at, key, cookie);
    if (i % 10 == 9) continue;  // stays in flight
    live->ended(choice, {.total = (i % 7 + 1) * kMillisecond / 3, .failed = i % 5 == 0});
  }
  live->look(kSecond);
  return live->state({5, 6});
}

// Of 30 comparisons with 'py', in all of which one field differs.
experiment::ShadowCounts shadow_after(const experiment::LiveSpec& spec, int compared) {
  experiment::ShadowCounts counts(spec, 0.5, {"$.id", "header:date"});
  for (int i = 0; i < compared; ++i) {
    counts.sampled(100 + i);
    counts.compared(1, {{"$.price", "12", "13"}, {"$.\xff\"odd", "1", "2"}},
                    {{"$.\xff\"odd", "1", "2"}}, "GET /" + std::to_string(i), 100 + i);
  }
  counts.sampled(200);
  counts.lost(experiment::ShadowLoss::kTooOld);
  counts.unanswered(1);
  counts.overdue(0);
  return counts;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (fs::temp_directory_path() / "duet-store-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "duet.db";
  }
  ~StoreTest() override { fs::remove_all(folder_); }

  // Of a file that can be used.
  std::unique_ptr<Database> open() {
    auto database = Database::open(path_, note_);
    EXPECT_TRUE(database.ok()) << database.error().to_string();
    return database ? std::move(database).value() : nullptr;
  }
  std::string why_not(const std::string& path) {
    const auto database = Database::open(path, note_);
    return database ? "" : database.error().to_string();
  }
  static Kept kept(std::string state, bool clean = true, std::uint64_t first = 0,
                   std::vector<experiment::ArrivalOrder::Ended> ended = {}) {
    return {"country",
            "print",
            17.5,
            clean,
            std::move(state),
            first,
            {{0, 1, ~std::uint64_t{3}}},
            ended,
            {{1, "ann", "a word"}},
            {}};
  }
  static std::vector<Moment> moments(int requests, const std::string& word = "a word") {
    std::vector<Moment> all(1);
    all[0] = {spec_of(),          17.5, false, state_after(requests), {{0, 1, 2}}, {},
              {{1, "ann", word}}, {}};
    return all;
  }
  // Rows of a table, as another program sees them.
  int rows(const std::string& table) const {
    sqlite3* reader = nullptr;
    int count = 0;
    sqlite3_open_v2(path_.c_str(), &reader, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_exec(
        reader, ("SELECT * FROM " + table).c_str(),
        [](void* n, int, char**, char**) { return ++*static_cast<int*>(n), 0; }, &count, nullptr);
    sqlite3_close(reader);
    return count;
  }
  void damage(std::streamoff at) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    for (int i = 0; i < 4000; ++i) file.put('\x5a');
  }

  fs::path folder_, path_;
  std::string note_;
};

TEST_F(StoreTest, AStateIsTheSameAfterItsText) {
  const std::string text = to_json(state_after(300), spec_of());
  auto state = state_of(text);
  ASSERT_TRUE(state);
  EXPECT_EQ(to_json(*state, spec_of()), text);
  EXPECT_EQ(state->experiment.evidence.unfinished.size(), 30u);
  auto live = Live::create(spec_of()).value();
  ASSERT_TRUE(live->restore(std::move(*state), {}, false));
  const auto shot = live->snapshot();
  EXPECT_EQ(shot.variants[0].requests + shot.variants[1].requests, 270u);
  EXPECT_EQ(shot.variants[0].total.max(), 7 * kMillisecond / 3);
  const auto spec = store::spec_of(text);
  ASSERT_TRUE(spec);
  EXPECT_EQ(fingerprint(*spec), fingerprint(spec_of()));
  for (const char* bad : {"", "{}", "[1]", "{\"experiment\": 3}", "\xff"})
    EXPECT_FALSE(state_of(bad));
  std::string negative = text;
  negative.replace(negative.rfind("\"sum\":"), 6, "\"sum\":-");
  EXPECT_FALSE(state_of(negative));
}

TEST_F(StoreTest, AnotherConfigurationIsAnotherExperimentAndNewWeightsAreNot) {
  const std::string print = fingerprint(spec_of());
  experiment::LiveSpec spec = spec_of();
  spec.spec.weights = {9, 1};
  spec.spec.ramp.steps = {0.1};
  EXPECT_EQ(fingerprint(spec), print);
  spec.variants[1].handler = "py2";
  EXPECT_NE(fingerprint(spec), print);
  spec = spec_of();
  spec.spec.guardrails.push_back({experiment::Guardrail::Kind::kSlowerThan, kSecond});
  EXPECT_NE(fingerprint(spec), print);
}

TEST_F(StoreTest, WhatShadowTrafficHasShownIsTheSameAfterItsText) {
  using Restored = experiment::ShadowCounts::Restored;
  const experiment::LiveSpec spec = spec_of();
  const std::string text = shadow_json(shadow_after(spec, 30).state());
  auto state = shadow_of(text);
  ASSERT_TRUE(state);
  EXPECT_EQ(shadow_json(*state), text);
  experiment::ShadowCounts counts(spec, 1, {"header:date", "$.id"});
  ASSERT_EQ(counts.restore(std::move(*state)), Restored::kYes);
  const experiment::ShadowSnapshot shot = counts.snapshot();
  EXPECT_EQ(shot.rate, 1) << "as configured now";
  EXPECT_EQ(shot.since, 100);
  EXPECT_EQ(shot.sampled, 31u);
  EXPECT_EQ(shot.of(experiment::ShadowLoss::kTooOld), 1u);
  EXPECT_EQ(shot.control_overdue, 1u);
  ASSERT_EQ(shot.variants.size(), 1u);
  EXPECT_EQ(shot.variants[0].compared, 30u);
  EXPECT_EQ(shot.variants[0].unanswered, 1u);
  ASSERT_EQ(shot.variants[0].fields.size(), 2u);
  EXPECT_EQ(shot.variants[0].fields[0].name, "$.price");
  EXPECT_TRUE(shot.variants[0].fields[0].differs);
  EXPECT_EQ(shot.variants[0].fields[0].example.request, "GET /0");
  EXPECT_FALSE(shot.variants[0].fields[1].differs) << "noise";

  experiment::ShadowCounts others(spec, 1, {"$.id"});
  EXPECT_EQ(others.restore(*shadow_of(text)), Restored::kOtherRules);
  experiment::LiveSpec more = spec_of();
  more.variants.push_back({"go", 2, false});
  more.spec.variants.push_back("go");
  experiment::ShadowCounts third(more, 1, {"header:date", "$.id"});
  EXPECT_EQ(third.restore(*shadow_of(text)), Restored::kNoState);
  EXPECT_EQ(others.snapshot().sampled + third.snapshot().sampled, 0u);
  for (const char* bad : {"", "{}", "[1]", "{\"rate\": \"x\"}", "\xff"}) {
    EXPECT_FALSE(shadow_of(bad)) << bad;
  }
}

TEST_F(StoreTest, WhatShadowTrafficHasShownIsReplacedOnlyWhenItChanged) {
  auto database = open();
  Kept one = kept("1");
  ASSERT_TRUE(database->write({one}).ok());
  EXPECT_FALSE(database->read()->front().shadow);
  one.shadow = "first";
  ASSERT_TRUE(database->write({one}).ok());
  one.shadow.reset();
  ASSERT_TRUE(database->write({one}).ok());
  EXPECT_EQ(database->read()->front().shadow, "first");
  one.shadow = "second";
  ASSERT_TRUE(database->write({one}).ok());
  EXPECT_EQ(database->read()->front().shadow, "second");
  EXPECT_EQ(rows("shadow"), 1);
  ASSERT_TRUE(database->retire("country", 20).ok());
  ASSERT_TRUE(database->write({kept("3")}).ok());
  EXPECT_FALSE(database->read()->front().shadow) << "it is that of the one before";
}

TEST_F(StoreTest, WhatIsWrittenIsReadByTheNext) {
  {
    auto database = open();
    ASSERT_TRUE(database->write({kept("1")}).ok());
    ASSERT_TRUE(database->write({kept("2", false)}).ok());
  }
  auto database = open();
  auto all = database->read();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 1u);
  const Kept& one = all->front();
  EXPECT_EQ(one.state, "2");
  EXPECT_EQ(one.at, 17.5);
  EXPECT_FALSE(one.clean);
  ASSERT_EQ(one.keys.size(), 2u);
  EXPECT_EQ(one.keys[1].hash, ~std::uint64_t{3});
  ASSERT_EQ(one.audit.size(), 2u);
  EXPECT_EQ(one.audit[0].who, "ann");
  ASSERT_TRUE(database->retire("country", 20).ok());
  EXPECT_TRUE(database->read()->empty());
  ASSERT_TRUE(database->write({kept("3")}).ok());
  EXPECT_EQ(database->read()->front().keys.size(), 1u) << "those of the one before";
}

TEST_F(StoreTest, WhatWaitsToBeJudgedIsWrittenOnceAndGoesWhenItIs) {
  using experiment::ArrivalOrder;
  const auto one = [](ArrivalOrder::Ticket ticket, std::optional<std::uint64_t> key) {
    return ArrivalOrder::Ended{
        ticket, {0, 3 * kSecond, kMillisecond, kMicrosecond, key, 1, true, ticket == 6}};
  };
  auto database = open();
  ASSERT_TRUE(database->write({kept("1", true, 4, {one(6, ~std::uint64_t{5}), one(5, {})})}).ok());
  ASSERT_TRUE(database->write({kept("2", true, 6, {one(9, {})})}).ok());
  const auto all = database->read();
  ASSERT_TRUE(all.ok());
  const auto& ended = all->front().ended;
  ASSERT_EQ(ended.size(), 2u) << "5 is judged";
  EXPECT_EQ(ended[0].ticket, 6u);
  EXPECT_EQ(ended[0].arrival.key, ~std::uint64_t{5});
  EXPECT_TRUE(ended[0].arrival.finished && ended[0].arrival.failed);
  EXPECT_EQ(ended[0].arrival.variant, 1);
  EXPECT_EQ(ended[0].arrival.total, 3 * kSecond);
  EXPECT_EQ(ended[0].arrival.cpu, kMillisecond);
  EXPECT_EQ(ended[0].arrival.longest_slice, kMicrosecond);
  EXPECT_EQ(ended[1].ticket, 9u);
  EXPECT_FALSE(ended[1].arrival.key || ended[1].arrival.failed);
}

TEST_F(StoreTest, FilesOfEarlierVersionsAreReadAndBroughtUp) {
  const std::string earlier[] = {
      "DROP TABLE shadow; DROP TABLE ended; PRAGMA user_version = 1",
      "DROP TABLE shadow; PRAGMA user_version = 2",
  };
  for (const std::string& sql : earlier) {
    fs::remove(path_);
    ASSERT_TRUE(open()->write({kept(to_json(state_after(9), spec_of()))}).ok());
    sqlite3* db = nullptr;
    sqlite3_open(path_.c_str(), &db);
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    auto reader = Database::open_to_read(path_);
    ASSERT_TRUE(reader.ok()) << sql;
    auto all = (*reader)->read();
    ASSERT_TRUE(all.ok()) << sql;
    ASSERT_EQ(all->size(), 1u) << sql;
    EXPECT_FALSE(all->front().shadow);
    reader->reset();
    auto database = open();
    EXPECT_EQ(note_, "");
    EXPECT_EQ(database->read()->front().keys.size(), 1u) << sql;
    EXPECT_EQ(rows("ended"), 0);
    Kept with = kept("2");
    with.shadow = "x";
    ASSERT_TRUE(database->write({with}).ok()) << sql;
    EXPECT_EQ(rows("shadow"), 1);
  }
}

TEST_F(StoreTest, AFileOfALaterVersionIsLeftAlone) {
  ASSERT_TRUE(open()->write({kept("1")}).ok());
  sqlite3* db = nullptr;
  sqlite3_open(path_.c_str(), &db);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_NE(why_not(path_).find("was written by a later version of duet"), std::string::npos);
  EXPECT_FALSE(Database::open_to_read(path_).ok());
  EXPECT_EQ(rows("experiments"), 1);
}

// As a pool of processes that a handler forked does, when the host is killed.
TEST_F(StoreTest, AForkedChildThatStaysKeepsNobodyOut) {
  auto database = open();
  int hold[2], runs[2];
  ASSERT_EQ(pipe(hold), 0);
  ASSERT_EQ(pipe(runs), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    close(hold[1]);
    if (write(runs[1], &byte, 1) != 1) _exit(1);
    _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);  // until the test is done
  }
  char byte = 1;
  ASSERT_EQ(read(runs[0], &byte, 1), 1);
  EXPECT_NE(why_not(path_).find("another duet writes it"), std::string::npos);
  database.reset();
  EXPECT_EQ(why_not(path_), "");
  close(hold[1]);
  for (const int fd : runs) close(fd);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(hold[0]);
}

TEST_F(StoreTest, AFileHasOneWriterAndOthersMayRead) {
  auto database = open();
  ASSERT_TRUE(database->write({kept("1")}).ok());
  EXPECT_NE(why_not(path_).find("another duet writes it"), std::string::npos);
  EXPECT_EQ(rows("audit"), 1);
  database.reset();
  EXPECT_EQ(why_not(path_), "");
}

TEST_F(StoreTest, WhatCannotBeReadIsNoDamagedStore) {
  const auto missing = Database::open_to_read(folder_ / "none.db");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message, "cannot be opened: No such file or directory");
  const std::string text = folder_ / "duet.toml";
  std::ofstream(text) << "[server]\n" << std::string(600, '#');
  const auto foreign = Database::open_to_read(text);
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().hint.find("put aside"), std::string::npos) << foreign.error().hint;
}

TEST_F(StoreTest, ADamagedFileIsPutAsideAndForeignOnesAreLeftAlone) {
  {
    auto database = open();
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(database->write({kept(std::string(2000, 'x'))}).ok());
  }
  damage(4096);
  auto database = open();
  EXPECT_NE(note_.find("damaged"), std::string::npos) << note_;
  EXPECT_TRUE(database->read()->empty());
  EXPECT_TRUE(database->write({kept("1")}).ok());
  database.reset();
  int aside = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    aside += entry.path().string().find(".damaged-") != std::string::npos;
  }
  EXPECT_GT(aside, 0);

  const std::string text = folder_ / "handler.py";
  std::ofstream(text) << "def fetch():\n    return 'a text of somebody, not a database'\n"
                      << std::string(200, '#');
  EXPECT_NE(why_not(text).find("is no database of duet's, and left as it is"), std::string::npos)
      << why_not(text);
  EXPECT_TRUE(fs::exists(text));
  const std::string other = folder_ / "other.db";
  sqlite3* db = nullptr;
  sqlite3_open(other.c_str(), &db);
  sqlite3_exec(db, "CREATE TABLE t (x)", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  EXPECT_NE(why_not(other).find("is a database of something else"), std::string::npos);
  EXPECT_NE(why_not(folder_ / "no" / "duet.db").find("cannot be opened"), std::string::npos);
  EXPECT_NE(why_not("/proc/duet.db").find("cannot be opened"), std::string::npos);
}

TEST_F(StoreTest, ALockedFileIsWrittenWhenItIsFree) {
  Writer writer(open());
  sqlite3* other = nullptr;
  sqlite3_open(path_.c_str(), &other);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  writer.put(moments(10));
  ASSERT_TRUE(eventually([&] {
    return writer.trouble().find("another program has locked it") != std::string::npos;
  })) << writer.trouble();
  writer.put(moments(20));
  sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); }));
  EXPECT_TRUE(eventually([&] { return rows("keys") == 2; })) << "what waited is lost";
}

TEST_F(StoreTest, WhatWaitsForTheDiskKeepsWhatShadowTrafficHadShown) {
  const experiment::LiveSpec spec = spec_of();
  {
    Writer writer(open());
    sqlite3* other = nullptr;
    sqlite3_open(path_.c_str(), &other);
    ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
    auto with = moments(10);
    with[0].shadow = shadow_after(spec, 3).state();
    writer.put(std::move(with));
    ASSERT_TRUE(eventually([&] { return !writer.trouble().empty(); }));
    writer.put(moments(20));
    sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_close(other);
    EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); }));
  }
  const auto all = open()->read();
  ASSERT_TRUE(all.ok());
  ASSERT_TRUE(all->front().shadow);
  EXPECT_EQ(shadow_of(*all->front().shadow)->variants[1].record.compared, 3u);
}

TEST_F(StoreTest, AFullDiskIsSaidAndWrittenToWhenThereIsRoom) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  {
    Writer writer(open());
    const rlimit full{16384, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
    writer.put(moments(10));
    writer.put(moments(10, std::string(50000, 'x')));
    EXPECT_TRUE(eventually([&] {
      return writer.trouble().find("is the disk full?") != std::string::npos;
    })) << writer.trouble();
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); })) << writer.trouble();
  }
  auto kept = open()->read();
  ASSERT_TRUE(kept.ok());
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->front().audit.size(), 2u);
  EXPECT_TRUE(state_of(kept->front().state));
}

TEST_F(StoreTest, AFileThatWasLockedAtTheStartIsOpenedWhenItIsFree) {
  ASSERT_TRUE(open()->write({kept(to_json(state_after(9), spec_of()))}).ok());
  sqlite3* other = nullptr;
  sqlite3_open(path_.c_str(), &other);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto locked = Database::open(path_, note_);
  ASSERT_FALSE(locked.ok());
  EXPECT_EQ(locked.error().hint, "another program has locked it");
  const auto reader = Database::open_to_read(path_);
  ASSERT_TRUE(reader.ok()) << "what is locked can be read";
  ASSERT_EQ((*reader)->read()->size(), 1u);

  Writer writer(Wanted{path_, locked.error(), {{"country", 17.5}}});
  EXPECT_NE(writer.trouble().find("another program has locked it"), std::string::npos);
  writer.put(moments(20));
  sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); })) << writer.trouble();
  EXPECT_EQ(rows("experiments"), 1) << "the one that was taken up goes on";
  EXPECT_EQ(rows("keys"), 2);
}

TEST_F(StoreTest, WhatCouldNotBeReadAtTheStartStaysAndIsRetired) {
  ASSERT_TRUE(open()->write({kept("before")}).ok());
  {
    Writer writer(Wanted{path_, Error{"locked", path_, {}, {}}, {{"country", std::nullopt}}});
    writer.put(moments(20));
    EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); })) << writer.trouble();
  }
  EXPECT_EQ(rows("experiments"), 2);
  EXPECT_EQ(rows("experiments WHERE state = 'before' AND replaced_at IS NOT NULL"), 1);
  EXPECT_EQ(open()->read()->front().keys.size(), 1u) << "those of the new one";
}

TEST_F(StoreTest, WhatAnotherProcessWroteMeanwhileIsReplaced) {
  using experiment::ArrivalOrder;
  Kept theirs = kept("theirs", true, 0, {ArrivalOrder::Ended{7, {}}});
  theirs.at = 20;
  ASSERT_TRUE(open()->write({theirs}).ok());
  {
    Writer writer(Wanted{path_, Error{"in use", path_, {}, {}}, {{"country", 17.5}}});
    writer.put(moments(20));
    EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); })) << writer.trouble();
  }
  const auto all = open()->read();
  ASSERT_EQ(all->size(), 1u);
  EXPECT_TRUE(state_of(all->front().state));
  EXPECT_EQ(all->front().keys.size(), 2u) << "visitors of both were seen";
  EXPECT_EQ(rows("ended"), 0);
}

TEST_F(StoreTest, ADiskThatIsFullAtTheStartIsReadAndWrittenToWhenThereIsRoom) {
  ASSERT_TRUE(open()->write({kept(to_json(state_after(9), spec_of()))}).ok());
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit full{1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  const auto failed = Database::open(path_, note_);
  const auto reader = Database::open_to_read(path_);
  const bool read = reader.ok() && (*reader)->read().ok() && (*reader)->read()->size() == 1;
  ASSERT_FALSE(failed.ok());
  {
    Writer writer(Wanted{path_, failed.error(), {{"country", 17.5}}});
    writer.put(moments(20));
    EXPECT_FALSE(writer.trouble().empty());
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_TRUE(eventually([&] { return writer.trouble().empty(); })) << writer.trouble();
  }
  EXPECT_TRUE(read) << reader.error().to_string();
  EXPECT_EQ(rows("keys"), 2);
}

TEST_F(StoreTest, AFileThatWasRemovedIsMissed) {
  Writer writer(open());
  fs::remove(path_);
  writer.put(moments(10));
  EXPECT_TRUE(
      eventually([&] { return writer.trouble().find("was removed") != std::string::npos; }));
}

}  // namespace
}  // namespace duet::store
