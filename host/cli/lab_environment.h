// Where a claim's servers run: a copy of its folder below the cache folder, with its npm packages
// and its virtual environment in it. npm packages that claims share are above it, where Node looks
// as well.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/cli/interrupt.h"
#include "host/cli/lab_claim.h"

namespace duet::cli {

// $XDG_CACHE_HOME/duet/lab, else ~/.cache/duet/lab.
std::string default_lab_cache();

class LabEnvironment {
 public:
  LabEnvironment(const Claim& claim, const std::string& cache)
      : claim_(claim), cache_(cache), folder_(cache + "/" + claim.name) {}

  // What a server lacks, as a sentence's end: "express 5.3.0 (npm)"; with what would get it. Looks
  // at files and at this process's environment, and starts nothing.
  struct Missing {
    std::string what;
    std::string how;
  };
  std::optional<Missing> missing(const Needs& needs) const;

  // Fetches what package.json and requirements.txt name, unless it is there. `note` is told before
  // what takes long. Errors: npm or pip is missing or failed; their output is the detail.
  Result<void> install(Interrupt& interrupt, const std::function<void(const std::string&)>& note);

  // Copies the claim's files, makes the copy the current directory, and puts what is installed on
  // PATH (and in VIRTUAL_ENV) of this process and so of the servers that it starts.
  Result<void> enter() const;
  const std::string& folder() const { return folder_; }

 private:
  Result<void> copy() const;
  bool has_npm(const std::string& folder, const std::string& name,
               const std::string& version) const;
  bool has_all_npm(const std::string& folder,
                   const std::map<std::string, std::string>& packages) const;
  Result<void> install_npm(const std::string& folder, Interrupt& interrupt,
                           const std::function<void(const std::string&)>& note) const;
  Result<void> install_python(Interrupt& interrupt,
                              const std::function<void(const std::string&)>& note) const;
  bool has_python(const std::string& name, const std::string& version) const;
  Result<void> run(const std::vector<std::string>& command, Interrupt& interrupt) const;

  const Claim& claim_;
  std::string cache_;  // absolute
  std::string folder_;
};

}  // namespace duet::cli
