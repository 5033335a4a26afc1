// Writes experiments to their database on a thread of its own, so that no disk is ever waited for
// on the loop. What could not be written is kept and tried again each second: states replace each
// other, so what waits does not grow with time. A database that could not be opened is tried again
// as well, ever less often.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/experiment/live.h"
#include "host/experiment/shadow_counts.h"
#include "host/store/database.h"

namespace duet::store {

// An experiment at one moment; keys, ended and audit are those since the moment before.
struct Moment {
  experiment::LiveSpec spec;
  double at = 0;  // seconds since 1970
  bool clean = false;
  experiment::Live::State state;
  std::vector<experiment::Evidence::Key> keys;
  std::vector<experiment::ArrivalOrder::Ended> ended;
  std::vector<experiment::AuditEntry> audit;
  std::optional<experiment::ShadowState> shadow;  // nothing: as before
};

// A database that could not be opened at the start.
struct Wanted {
  std::string path;
  Error why;  // it could not: logged already
  // All experiments that are kept in it, each with the time of what was taken up nevertheless
  // (Kept::at), because the file could be read.
  std::map<std::string, std::optional<double>> taken_up;
};

class Writer {
 public:
  explicit Writer(std::unique_ptr<Database> database);
  // Opens it as soon as that is possible, and says so. What the file has of an experiment that was
  // not taken up stays in it, retired; what another process wrote since then is replaced, which is
  // logged.
  explicit Writer(Wanted wanted);
  // Writes what is left; a disk that hangs is waited for five seconds.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Any thread; never waits for the disk.
  void put(std::vector<Moment> moments);
  // Why what is counted is not kept at present; empty: it is. The log has it already. Any thread.
  std::string trouble() const;

 private:
  struct Shared;  // outlives this when the disk hangs
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace duet::store
