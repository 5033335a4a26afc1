#include "host/cli/lab_claim.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "host/base/escape.h"
#include "host/config/suggest.h"
#include "host/config/table_reader.h"
#include "host/config/toml_guardrails.h"
#include "host/config/toml_tree.h"

namespace duet::cli {

namespace {

using config::Place;
using config::Synonym;
using config::TableReader;
using config::TomlEntry;
using config::TomlValue;
using Type = TomlValue::Type;

constexpr Synonym kRootWords[] = {{"arm", "arms"},         {"run", "runs"},
                                  {"service", "services"}, {"sentence", "claim"},
                                  {"sources", "source"},   {"url", "source"}};
constexpr Synonym kServerWords[] = {
    {"file", "handler"},    {"app", "handler"},       {"cmd", "command"},   {"packages", "npm"},
    {"pip", "python"},      {"program", "programs"},  {"env", "variables"}, {"node_modules", "npm"},
    {"requires", "python"}, {"variable", "variables"}};
constexpr Synonym kRunWords[] = {
    {"name", "title"}, {"load", "workload"}, {"options", "workload"}, {"compares", "compare"}};
constexpr Synonym kCompareWords[] = {
    {"metric", "figure"}, {"to", "than"}, {"with", "than"}, {"ratio", "claimed"}};

// Options of `duet bench` that are no workload, or of which no figure can be compared.
constexpr std::string_view kNoWorkload[] = {"command", "tls",  "objective", "output",
                                            "html",    "json", "fail-if",   "help"};

std::string in_quotes(std::string_view text) { return "'" + printable(text) + "'"; }

class ClaimReader {
 public:
  ClaimReader(std::span<const OptionGroup> options, Claim& claim, config::Diagnostics& diagnostics)
      : options_(options), claim_(claim), context_{claim.file, diagnostics} {}

  void read(std::string_view text) {
    context_.diagnostics.add_source(claim_.file, std::string(text));
    const config::TomlTree tree = config::parse_toml(text, claim_.file, context_.diagnostics);
    TableReader root(context_, tree.root.entries, "", kRootWords);
    const auto sentence = [&](std::string_view key, std::string_view example) {
      const TomlEntry* entry = root.text(key, example);
      return entry == nullptr ? std::string() : entry->value.string;
    };
    claim_.claim = sentence("claim", "\"Node.js answers three times as many requests\"");
    claim_.source = sentence("source", "\"who says it, and where\"");
    claim_.note = sentence("note", "\"what this does not show\"");
    const TomlEntry* arms = root.take("arms");
    const TomlEntry* services = root.take("services");
    const TomlEntry* runs = root.take("runs");
    root.finish();
    for (const TomlValue* table : tables(arms, "arms")) read_arm(*table);
    for (const TomlValue* table : tables(services, "services")) read_service(*table);
    for (const TomlValue* table : tables(runs, "runs")) read_run(*table);
    if (tree.incomplete) return;
    const Place top{1, 1, 1};
    if (claim_.claim.empty()) missing(top, "claim", "write claim = \"what is said\"");
    if (claim_.source.empty()) missing(top, "source", "write source = \"who says it\"");
    if (arms == nullptr) missing(top, "arms", "write [[arms]] for each server to measure");
    if (runs == nullptr) missing(top, "runs", "write [[runs]] with a workload and what to compare");
  }

 private:
  void missing(const Place& place, std::string_view what, std::string hint) {
    context_.error(place, in_quotes(what) + " is missing", std::move(hint));
  }

  std::vector<const TomlValue*> tables(const TomlEntry* entry, const std::string& name) {
    std::vector<const TomlValue*> all;
    if (entry == nullptr) return all;
    const bool list = entry->value.type == Type::kArray;
    for (const TomlValue& item : entry->value.items) {
      if (item.type == Type::kTable) all.push_back(&item);
    }
    if (!list || all.size() != entry->value.items.size()) {
      context_.error(entry->place, in_quotes(name) + " must be a list of tables",
                     "write [[" + name + "]] above each of them");
    }
    return all;
  }

  // --- servers ---

  std::vector<std::string> words(TableReader& table, std::string_view key,
                                 std::string_view example) {
    std::vector<std::string> all;
    for (const TomlValue* value : table.texts(key, example)) all.push_back(value->string);
    return all;
  }

  // Those of a list that have no exact version in `pinned`, which is `file`.
  void check_pinned(TableReader& table, std::string_view key, std::string_view example,
                    const std::map<std::string, std::string>& pinned, const char* file,
                    std::vector<std::string>& into) {
    for (const TomlValue* value : table.texts(key, example)) {
      const bool is_python = key == "python";
      const std::string name = is_python ? python_name(value->string) : value->string;
      into.push_back(name);
      if (pinned.contains(name)) continue;
      std::vector<std::string_view> known;
      for (const auto& [one, version] : pinned) known.push_back(one);
      std::string hint = config::did_you_mean(name, known);
      if (hint.empty()) {
        hint = is_python ? "write " + printable(name) + "==VERSION there"
                         : "write \"" + printable(name) + "\": \"VERSION\" there";
      }
      context_.error(value->place,
                     std::string(file) + " has no exact version of " + in_quotes(name),
                     std::move(hint));
    }
  }

  void read_server(TableReader& table, const Place& place, LabServer& server) {
    if (const TomlEntry* name = table.text("name", "\"node http\"")) {
      server.name = name->value.string;
    } else {
      missing(place, "name", "write name = \"node http\"");
    }
    const TomlEntry* handler = table.text("handler", "\"hello.mjs\"");
    const TomlEntry* command = table.text("command", "\"node server.mjs {port}\"");
    if ((handler == nullptr) == (command == nullptr)) {
      context_.error(command == nullptr ? place : command->place,
                     table.name() + (handler == nullptr ? " has neither 'handler' nor 'command'"
                                                        : " has both 'handler' and 'command'"),
                     "handler = \"hello.mjs\" is served by duet, command = \"node server.mjs "
                     "{port}\" starts a server");
    }
    const TomlEntry* what = handler != nullptr ? handler : command;
    if (what != nullptr) server.target = what->value.string;
    server.is_command = handler == nullptr;
    Needs& needs = server.needs;
    std::map<std::string, std::string> npm = claim_.npm;
    npm.insert(claim_.shared_npm.begin(), claim_.shared_npm.end());
    check_pinned(table, "npm", "[\"express\"]", npm, "package.json", needs.npm);
    check_pinned(table, "python", "[\"fastapi\"]", claim_.python, "requirements.txt", needs.python);
    needs.programs = words(table, "programs", "[\"mosquitto\"]");
    needs.variables = words(table, "variables", "[\"DATABASE_URL\"]");
  }

  void read_arm(const TomlValue& value) {
    TableReader table(context_, value.entries, "[[arms]]", kServerWords);
    LabServer& arm = claim_.arms.emplace_back();
    read_server(table, value.place, arm);
    if (const TomlEntry* scheme = table.text("scheme", "\"https\"")) {
      constexpr std::string_view kSchemes[] = {"http", "https"};
      arm.scheme = scheme->value.string;
      if (std::find(std::begin(kSchemes), std::end(kSchemes), arm.scheme) == std::end(kSchemes)) {
        context_.not_one_of(*scheme, kSchemes);
      } else if (arm.scheme == "https" && !arm.is_command) {
        context_.error(scheme->value.place, "duet serves no https",
                       "'scheme' is of a command's server");
      }
    }
    if (const auto idle = table.integer("idle", 1, 1'000'000)) {
      arm.idle = static_cast<std::uint32_t>(*idle);
    }
    table.finish();
    for (std::size_t i = 0; i + 1 < claim_.arms.size(); ++i) {
      if (claim_.arms[i].name != arm.name) continue;
      context_.error(value.place, "there are two arms called " + in_quotes(arm.name),
                     "give one of them another name");
    }
  }

  void read_service(const TomlValue& value) {
    TableReader table(context_, value.entries, "[[services]]", kServerWords);
    LabService& service = claim_.services.emplace_back();
    read_server(table, value.place, service);
    if (const TomlEntry* variable = table.text("variable", "\"UPSTREAM\"")) {
      service.variable = variable->value.string;
    } else {
      missing(value.place, "variable", "write variable = \"UPSTREAM\", for the arms to find it");
    }
    if (const TomlEntry* scheme = table.text("scheme", "\"mqtt\"")) {
      service.scheme = scheme->value.string;
    }
    table.finish();
  }

  // --- runs ---

  // Which of `servers` is called so; `what` they are, "arm".
  template <class Server>
  std::optional<std::size_t> called(const std::vector<Server>& servers, const std::string& what,
                                    const TomlValue& value) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (servers[i].name == value.string) return i;
      names.push_back(servers[i].name);
    }
    std::string hint = config::did_you_mean(value.string, names);
    if (hint.empty() && !names.empty()) hint = "there are " + config::one_of(names);
    context_.error(value.place, "there is no " + what + " called " + in_quotes(value.string),
                   std::move(hint));
    return std::nullopt;
  }

  // An arm that is measured in that run.
  std::optional<std::size_t> arm_of(const LabRun& run, const TomlValue& value) {
    const auto arm = called(claim_.arms, "arm", value);
    if (!arm || std::count(run.arms.begin(), run.arms.end(), *arm) > 0) return arm;
    context_.error(value.place, in_quotes(value.string) + " is no arm of this run",
                   "add it to the run's arms");
    return std::nullopt;
  }

  void read_run(const TomlValue& value) {
    TableReader table(context_, value.entries, "[[runs]]", kRunWords);
    LabRun& run = claim_.runs.emplace_back();
    run.place = value.place;
    if (const TomlEntry* title = table.text("title", "\"a quarter of a processor\"")) {
      run.title = title->value.string;
    }
    const auto named = table.texts("arms", "[\"node http\", \"uvicorn\"]");
    for (const TomlValue* one : named) {
      if (const auto arm = called(claim_.arms, "arm", *one)) run.arms.push_back(*arm);
    }
    for (std::size_t i = 0; named.empty() && i < claim_.arms.size(); ++i) run.arms.push_back(i);
    read_services(table, value, run);
    if (const auto share = config::read_share(context_, table, "cpu", "\"25%\"")) run.cpu = *share;
    if (const TomlEntry* workload = table.table("workload")) {
      read_options(*workload, "[runs.workload]", run.options);
    }
    if (const TomlEntry* quick = table.table("quick")) {
      read_options(*quick, "[runs.quick]", run.quick);
    }
    const TomlEntry* compare = table.take("compare");
    const TomlEntry* split = table.take("split");
    table.finish();
    if (compare == nullptr) {
      missing(value.place, "compare", "write [[runs.compare]] with arm, than and figure");
    }
    cold_ = std::count(run.options.begin(), run.options.end(), "--cold") > 0;
    for (const std::size_t arm : run.arms) {
      const LabServer& server = claim_.arms[arm];
      if (!cold_ || (server.scheme == "http" && server.idle == 0)) continue;
      context_.error(value.place, in_quotes(server.name) + " cannot start cold",
                     "cold starts are asked by http:// and have no idle connections: give the run "
                     "its 'arms' without it");
    }
    for (const TomlValue* one : tables(compare, "runs.compare")) read_compare(*one, run);
    for (const TomlValue* one : tables(split, "runs.split")) read_split(*one, run);
  }

  // Those that the run needs: all, when it says nothing.
  void read_services(TableReader& table, const TomlValue& value, LabRun& run) {
    for (const TomlValue* one : table.texts("services", "[\"mosquitto\"]")) {
      const auto service = called(claim_.services, "service", *one);
      if (service) run.services.push_back(*service);
    }
    if (value.find("services") != nullptr) return;
    for (std::size_t i = 0; i < claim_.services.size(); ++i) run.services.push_back(i);
  }

  // Each key is an option of `duet bench`: closed = true, rate = 5000, headers = ["A: b"].
  void read_options(const TomlEntry& entry, const std::string& name,
                    std::vector<std::string>& into) {
    std::vector<std::string_view> known;
    std::vector<const Option*> options;
    for (const OptionGroup& group : options_) {
      for (const Option& option : group.options) {
        if (std::find(std::begin(kNoWorkload), std::end(kNoWorkload), option.name) !=
            std::end(kNoWorkload)) {
          continue;
        }
        known.push_back(option.name);
        options.push_back(&option);
      }
    }
    for (const TomlEntry& one : entry.value.entries) {
      std::string key = one.key;
      std::replace(key.begin(), key.end(), '_', '-');
      const auto found = std::find(known.begin(), known.end(), key);
      if (found == known.end()) {
        std::string hint = config::did_you_mean(key, known);
        if (hint.empty()) hint = "what can stand here is an option of duet bench (see its --help)";
        context_.error(one.place, "unknown key " + in_quotes(one.key) + " in " + name,
                       std::move(hint));
        continue;
      }
      add_option(*options[static_cast<std::size_t>(found - known.begin())], one, into);
    }
  }

  void add_option(const Option& option, const TomlEntry& entry, std::vector<std::string>& into) {
    const TomlValue& value = entry.value;
    const std::string flag = "--" + std::string(option.name);
    const auto add = [&](const TomlValue& one) {
      const bool text = one.type == Type::kString;
      if (!text && one.type != Type::kInteger) return false;
      into.push_back(flag + "=" + (text ? one.string : std::to_string(one.integer)));
      return true;
    };
    if (option.value.empty()) {
      if (value.type == Type::kBoolean) {
        if (value.boolean) into.push_back(flag);
        return;
      }
      context_.error(value.place, in_quotes(entry.key) + " must be true or false",
                     "write " + entry.key + " = true");
      return;
    }
    bool right = true;
    if (value.type == Type::kArray && option.repeatable) {
      for (const TomlValue& one : value.items) right = add(one) && right;
    } else {
      right = add(value);
    }
    if (!right) {
      context_.error(value.place,
                     in_quotes(entry.key) + " must be text or an integer, not " +
                         std::string(config::toml_type_name(value.type)),
                     "write " + entry.key + " = \"" + std::string(option.value) + "\"");
    }
  }

  std::optional<LabFigure> read_figure(TableReader& table, const Place& place) {
    const TomlEntry* entry = table.text("figure", "\"p50\"");
    if (entry == nullptr) {
      missing(place, "figure", "write figure = \"p50\" or \"throughput\"");
      return std::nullopt;
    }
    auto figure = lab_figure(entry->value.string);
    if (!figure) {
      context_.not_one_of(*entry, lab_figure_names());
    } else if ((figure->kind != LabFigure::Kind::kLoad) != cold_) {
      context_.error(entry->value.place,
                     in_quotes(figure->name) +
                         (cold_ ? " is no figure of cold starts" : " is a figure of cold starts"),
                     cold_ ? "write \"first_answer\" or \"steady\", or no 'cold' in the workload"
                           : "write cold = true in [runs.workload]");
    }
    return figure;
  }

  void read_compare(const TomlValue& value, LabRun& run) {
    TableReader table(context_, value.entries, "[[runs.compare]]", kCompareWords);
    LabCompare compare;
    if (const TomlEntry* about = table.text("about", "\"the server\"")) {
      compare.about = about->value.string;
    }
    const TomlEntry* arm = table.text("arm", "\"node http\"");
    const TomlEntry* than = table.text("than", "\"uvicorn\"");
    const auto figure = read_figure(table, value.place);
    const TomlEntry* claimed = table.text("claimed", "\"3x\"");
    table.finish();
    if (arm == nullptr) missing(value.place, "arm", "write arm = \"node http\"");
    const auto first = arm == nullptr ? std::nullopt : arm_of(run, arm->value);
    if (than != nullptr) compare.than = arm_of(run, than->value);
    if (claimed != nullptr) {
      auto parsed = parse_claimed(claimed->value.string);
      if (parsed) compare.claimed = std::move(*parsed);
      if (!parsed) context_.error(claimed->value.place, parsed.error());
    }
    if (!first || !figure || (than != nullptr && !compare.than)) return;
    compare.arm = *first;
    compare.figure = *figure;
    if (compare.claimed) check_unit(compare, claimed->value.place);
    run.compares.push_back(std::move(compare));
  }

  void check_unit(const LabCompare& compare, const Place& place) {
    using Unit = Claimed::Unit;
    const bool cold = compare.figure.kind != LabFigure::Kind::kLoad;
    const Unit own = compare.figure.is_time() ? Unit::kTime : Unit::kNumber;
    const Unit unit = compare.claimed->unit;
    const bool right =
        compare.than ? unit == Unit::kRatio || (cold && unit == Unit::kTime) : unit == own;
    if (right) return;
    std::string hint = "write \"3x\": how many times as good";
    if (compare.than && cold) hint += ", or \"50ms\": by how much it is sooner";
    if (!compare.than) {
      hint = own == Unit::kTime ? "write \"< 20ms\", or name the other arm by 'than'"
                                : "write \"15k\", or name the other arm by 'than'";
    }
    context_.error(place, "of " + in_quotes(compare.figure.name) + " that cannot be claimed",
                   std::move(hint));
  }

  void read_split(const TomlValue& value, LabRun& run) {
    TableReader table(context_, value.entries, "[[runs.split]]");
    LabSplit split;
    const auto chain = table.texts("chain", "[\"uvicorn\", \"duet Py\", \"duet JS\"]");
    for (const TomlValue* one : chain) {
      if (const auto arm = arm_of(run, *one)) split.chain.push_back(*arm);
    }
    split.parts = words(table, "parts", "[\"server\", \"language\"]");
    const auto figure = read_figure(table, value.place);
    table.finish();
    if (chain.size() < 2 || split.parts.size() + 1 != chain.size()) {
      context_.error(value.place, "a chain of arms has a part for each step from one to the next",
                     "chain = [\"uvicorn\", \"duet Py\", \"duet JS\"] and parts = [\"server\", "
                     "\"language\"]");
      return;
    }
    if (!figure || split.chain.size() != chain.size()) return;
    split.figure = *figure;
    run.splits.push_back(std::move(split));
  }

  std::span<const OptionGroup> options_;
  Claim& claim_;
  config::ReaderContext context_;
  bool cold_ = false;  // the run that is read is one of cold starts
};

// "24.21.0", "1.0.0-rc.1": no range.
bool is_exact(std::string_view version) {
  return !version.empty() && std::isdigit(static_cast<unsigned char>(version[0])) != 0 &&
         version.find_first_of(" *^~<>|,") == std::string_view::npos;
}

void read_package_json(const std::string& text, const std::string& file,
                       std::map<std::string, std::string>& into, config::Diagnostics& diagnostics) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    diagnostics.error(file + " is no JSON object");
    return;
  }
  const auto found = json.find("dependencies");
  if (found == json.end() || !found->is_object()) return;
  for (const auto& [name, version] : found->items()) {
    if (version.is_string() && is_exact(version.get<std::string>())) {
      into[name] = version.get<std::string>();
    }
  }
}

void read_requirements(const std::string& text, Claim& claim) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    line.erase(std::remove_if(line.begin(), line.end(),
                              [](unsigned char c) { return std::isspace(c) != 0; }),
               line.end());
    const std::size_t equals = line.find("==");
    if (equals == std::string::npos) continue;
    const std::string version = line.substr(equals + 2, line.find(';') - equals - 2);
    const std::string name = line.substr(0, std::min(equals, line.find('[')));
    if (is_exact(version)) claim.python[python_name(name)] = version;
  }
}

}  // namespace

std::vector<std::string_view> lab_figure_names() {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < bench::kMetrics; ++i) {
    names.push_back(bench::metric_name(static_cast<bench::Metric>(i)));
  }
  names.insert(names.end(), {"first_answer", "steady"});
  return names;
}

std::optional<LabFigure> lab_figure(std::string_view name) {
  LabFigure figure;
  figure.name = name;
  if (name == "first_answer" || name == "steady") {
    figure.kind = name == "steady" ? LabFigure::Kind::kSteady : LabFigure::Kind::kFirstAnswer;
    return figure;
  }
  for (std::size_t i = 0; i < bench::kMetrics; ++i) {
    figure.metric = static_cast<bench::Metric>(i);
    if (bench::metric_name(figure.metric) == name) return figure;
  }
  return std::nullopt;
}

std::string python_name(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (separator && result.ends_with('-')) continue;
    result += separator ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

void read_claim(const ClaimFiles& files, std::span<const OptionGroup> options, Claim& claim,
                config::Diagnostics& diagnostics) {
  if (files.package_json) {
    read_package_json(*files.package_json, claim.folder + "/package.json", claim.npm, diagnostics);
  }
  if (files.shared_package_json) {
    claim.shared_package_json = *files.shared_package_json;
    read_package_json(*files.shared_package_json, claim.folder + "/../package.json",
                      claim.shared_npm, diagnostics);
  }
  if (files.requirements) read_requirements(*files.requirements, claim);
  ClaimReader(options, claim, diagnostics).read(files.claim);
}

}  // namespace duet::cli
