#include "host/cli/lab_folder.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "host/base/escape.h"
#include "host/base/executable.h"
#include "host/cli/command.h"
#include "host/config/source.h"
#include "host/config/suggest.h"

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "claim.toml";
constexpr std::size_t kMostBytes = 1024 * 1024;  // of one of its files

bool has_claim(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kFile, ignored);
}

std::optional<std::string> text_of(const fs::path& path) {
  auto text = config::read_file(path.string(), kMostBytes);
  return text ? std::optional<std::string>(std::move(*text)) : std::nullopt;
}

// `shares`: it is one of a folder of claims, which may have packages in common.
Result<Claim> open_claim(const fs::path& folder, bool shares, config::Diagnostics& diagnostics) {
  Claim claim;
  std::error_code ignored;
  const fs::path absolute = fs::canonical(folder, ignored);
  claim.folder = absolute.string();
  claim.name = absolute.filename().string();
  claim.file = (folder / kFile).lexically_normal().string();
  auto text = config::read_file((absolute / kFile).string(), kMostBytes);
  if (!text) return std::move(text).error();
  read_claim(
      {std::move(*text), text_of(absolute / "package.json"), text_of(absolute / "requirements.txt"),
       shares ? text_of(absolute.parent_path() / "package.json") : std::nullopt},
      kBenchCommand.options, claim, diagnostics);
  return claim;
}

}  // namespace

std::string shipped_claims() {
  return (fs::path(executable_path()).parent_path() / "../share/duet/claims")
      .lexically_normal()
      .string();
}

Result<std::vector<Claim>> find_claims(const std::string& folder,
                                       const std::vector<std::string>& names,
                                       config::Diagnostics& diagnostics) {
  std::vector<std::string> known;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (has_claim(entry.path())) known.push_back(entry.path().filename().string());
  }
  std::sort(known.begin(), known.end());
  if (names.empty() && known.empty()) {
    return Error{
        "there are no claims in " + printable(folder) + (failed ? ": " + failed.message() : ""),
        {},
        "--claims FOLDER names the folder that has them",
        {}};
  }
  std::vector<Claim> claims;
  for (const std::string& name : names.empty() ? known : names) {
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    const fs::path path = is_known ? fs::path(folder) / name : fs::path(name);
    if (!has_claim(path)) {
      const std::vector<std::string_view> words(known.begin(), known.end());
      std::string hint = config::did_you_mean(name, words);
      if (hint.empty()) {
        hint = known.empty() ? "a folder with a claim.toml can be named as well"
                             : "there are " + config::one_of(words);
      }
      return Error{"there is no claim '" + printable(name) + "'", {}, std::move(hint), {}};
    }
    auto claim = open_claim(path, is_known, diagnostics);
    if (!claim) return std::move(claim).error();
    claims.push_back(std::move(*claim));
  }
  return claims;
}

}  // namespace duet::cli
