#include <algorithm>

#include "host/cli/command.h"

namespace duet::cli {

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kMostTerm = 26;  // a longer term has its text on the next line

class Page {
 public:
  explicit Page(bool color) : color_(color) {}

  void title(std::string_view text) {
    if (!out_.empty()) out_ += '\n';
    out_ += bold(text) + "\n";
  }

  void line(std::string_view text) { out_ += std::string(kIndent, ' ') + std::string(text) + "\n"; }

  // Lines as they are, each indented.
  void block(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (end > 0) out_.append(kIndent, ' ');
      out_.append(text.substr(0, end));
      out_ += '\n';
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void row(std::string_view term, std::string_view text, std::size_t column) {
    std::string line(kIndent, ' ');
    line += term;
    if (term.size() + 2 > column) {
      out_ += line + "\n";
      line.clear();
    }
    line.resize(kIndent + column, ' ');
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t room = kWidth - kIndent - column;
      std::size_t length = std::min(room, text.size() - at);
      if (at + length < text.size()) {
        const std::size_t space = text.rfind(' ', at + length);
        if (space != std::string_view::npos && space > at) length = space - at;
      }
      out_ += line + std::string(text.substr(at, length)) + "\n";
      at += length;
      while (at < text.size() && text[at] == ' ') ++at;
      line.assign(kIndent + column, ' ');
    }
  }

  void rows(std::span<const HelpRow> rows, std::size_t most = kMostTerm) {
    std::size_t column = 0;
    for (const HelpRow& r : rows) {
      if (r.term.size() <= most) column = std::max(column, r.term.size() + 2);
    }
    for (const HelpRow& r : rows) row(r.term, r.text, std::max<std::size_t>(column, 8));
  }

  std::string bold(std::string_view text) const {
    return color_ ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
  }

  std::string take() { return std::move(out_); }
  void add(std::string_view text) { out_ += text; }

 private:
  bool color_;
  std::string out_;
};

std::string term_of(const Option& option) {
  std::string term = option.letter != 0 ? std::string("-") + option.letter + ", " : "";
  term += "--" + std::string(option.name);
  if (!option.value.empty() && !option.value_is_optional()) term += ' ';
  term += option.value;
  return term;
}

std::string text_of(const Option& option) {
  std::string text(option.help);
  if (option.repeatable) text += " May be repeated.";
  if (!option.otherwise.empty()) text += " (default: " + std::string(option.otherwise) + ")";
  return text;
}

}  // namespace

std::string help_of(const Command& command, bool color) {
  Page page(color);
  page.add(page.bold("duet " + std::string(command.name)) + " - " + std::string(command.summary) +
           "\n");
  if (!command.examples.empty()) {
    page.title("Examples");
    page.rows(command.examples, 44);
  }
  page.title("Usage");
  std::string usage = "duet " + std::string(command.name) + " [OPTIONS]";
  if (!command.arguments.empty()) usage += " " + std::string(command.arguments);
  page.line(usage);

  std::size_t column = 0;
  for (const OptionGroup& group : command.options) {
    for (const Option& option : group.options) {
      const std::size_t length = term_of(option).size();
      if (length <= kMostTerm) column = std::max(column, length + 2);
    }
  }
  // What is taken and what it means comes before the options that change it.
  for (const HelpSection& section : command.sections.first(
           std::min<std::size_t>(command.sections.size(), command.arguments.empty() ? 0 : 1))) {
    page.title(section.title);
    section.rows.empty() ? page.block(section.text) : page.rows(section.rows);
  }
  for (const OptionGroup& group : command.options) {
    page.title(group.title);
    for (const Option& option : group.options) page.row(term_of(option), text_of(option), column);
  }
  for (const HelpSection& section : command.sections.subspan(
           std::min<std::size_t>(command.sections.size(), command.arguments.empty() ? 0 : 1))) {
    page.title(section.title);
    section.rows.empty() ? page.block(section.text) : page.rows(section.rows);
  }
  return page.take();
}

std::string help_of_all(std::span<const Command* const> commands, bool color) {
  static constexpr HelpRow kExamples[] = {
      {"duet serve hello.mjs", "one handler, at / and everything below"},
      {"duet serve hello.mjs hello.py", "each under its name: /hello.mjs, /hello.py"},
      {"duet serve main:app", "the handler `app` of the Python module main"},
      {"duet serve", "handlers and routes of ./duet.toml"},
      {"duet check", "every mistake in ./duet.toml, at once"},
  };
  static constexpr HelpRow kExits[] = {
      {"0", "done, or stopped by SIGINT or SIGTERM after the requests in flight"},
      {"1", "the configuration is wrong, or the host could not start"},
      {"2", "the command line cannot be understood"},
  };
  Page page(color);
  page.add(page.bold("duet") +
           " - serves JavaScript and Python handlers side by side, and times them\n");
  page.title("Examples");
  page.rows(kExamples, 44);
  page.title("Usage");
  page.line("duet COMMAND [OPTIONS] [ARGUMENTS]");
  page.title("Commands");
  std::vector<HelpRow> rows;
  for (const Command* command : commands) rows.push_back({command->name, command->summary});
  rows.push_back({"help", "this text, or the help of a command: duet help serve"});
  page.rows(rows);
  page.title("Options");
  constexpr HelpRow kOptions[] = {{"-h, --help", "Show this help, or that of a command."},
                                  {"-V, --version", "As duet version."}};
  page.rows(kOptions);
  page.title("Exit codes");
  page.rows(kExits);
  return page.take();
}

}  // namespace duet::cli
