// Experiments survive the process: what they have counted is written to the store each second while
// something happens, and taken up again at the next start. Loop's thread only.
//
// A store that cannot be used never keeps a host from serving: the log and the admin API say so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/measure/metrics.h"
#include "host/pipeline_experiments.h"
#include "host/pipeline_shadow.h"
#include "host/store/writer.h"

namespace duet::cli {

class ExperimentStore {
 public:
  // All outlive it. `shadow` may be null; `path`: of the database.
  ExperimentStore(PipelineExperiments& experiments, PipelineShadow* shadow,
                  measure::Metrics& metrics, std::string path);

  // Before the first request: takes up what there is. Reads the file. One that cannot be written is
  // tried again later, by the thread that writes.
  void open();
  // Of one moment: what has changed since the last one is given to the thread that writes, once a
  // second. True: something has still to be written.
  bool looked(Nanos at);
  // The host stops: no request that is in flight from now on counts as lost with the process.
  void stopping();
  // Writes the rest, and waits for the disk for some seconds at most.
  void close();

  // Why what is counted is not kept; empty: it is.
  std::string trouble() const;

 private:
  bool take_up(experiment::Live& live, store::Kept& kept, bool in_use);
  void take_up_shadow(std::size_t number, const std::string& kept);
  experiment::ShadowCounts* shadow(std::size_t number) const;
  std::uint64_t revision(std::size_t number) const;
  void save_all();
  void flush(Nanos at);
  bool unsaved() const;

  PipelineExperiments& experiments_;
  PipelineShadow* const shadow_;
  measure::Metrics& metrics_;
  std::string path_;
  std::unique_ptr<store::Writer> writer_;
  std::vector<std::uint64_t> saved_;         // revision(), by experiment
  std::vector<std::uint64_t> shadow_saved_;  // of them, that of the shadow's counts
  Nanos saved_at_ = 0;
  bool stopping_ = false;
};

}  // namespace duet::cli
