#include "tests/conformance/case_file.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace duet::conformance {

namespace {

struct Line {
  std::size_t number;
  std::string text;
};

struct Section {
  std::string title;
  std::size_t line;
  std::vector<Line> lines;

  std::string text() const {
    std::string all;
    for (const Line& line : lines) all += line.text + "\n";
    return all;
  }
};

[[noreturn]] void wrong(const std::string& path, std::size_t line, const std::string& why) {
  throw std::runtime_error(path + ":" + std::to_string(line) + ": " + why);
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  return std::string(text);
}

std::string slug_of(std::string_view name) {
  std::string slug;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      slug += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!slug.empty() && slug.back() != '_') {
      slug += '_';
    }
  }
  while (slug.ends_with('_')) slug.pop_back();
  return slug;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Head lines, then after an empty one the body: joined by line breaks, without the last.
struct Message {
  std::vector<Line> head;
  std::vector<std::string> body;
  bool has_body = false;

  std::string joined_body() const {
    std::string all;
    for (std::size_t i = 0; i < body.size(); ++i) all += (i > 0 ? "\n" : "") + body[i];
    return all;
  }
};

Message split_message(const Section& section) {
  Message message;
  for (const Line& line : section.lines) {
    if (message.has_body) {
      message.body.push_back(line.text);
    } else if (line.text.empty()) {
      message.has_body = true;
    } else {
      message.head.push_back(line);
    }
  }
  // Empty lines before the next section are for the reader.
  while (!message.body.empty() && message.body.back().empty()) message.body.pop_back();
  message.has_body = !message.body.empty();
  return message;
}

std::pair<std::string, std::string> split_field(const std::string& path, const Line& line) {
  const std::size_t colon = line.text.find(':');
  if (colon == std::string::npos) wrong(path, line.number, "a header field needs a colon");
  return {line.text.substr(0, colon), trimmed(std::string_view(line.text).substr(colon + 1))};
}

Question read_question(const std::string& path, const Section& section) {
  Question question;
  const Message message = split_message(section);
  if (message.head.empty()) wrong(path, section.line, "a request needs a first line");
  std::istringstream first(message.head[0].text);
  first >> question.method >> question.target;
  if (std::string version; first >> version) question.version = version;
  if (!question.target.starts_with('/')) wrong(path, section.line, "the target must begin with /");
  for (std::size_t i = 1; i < message.head.size(); ++i) {
    auto [name, value] = split_field(path, message.head[i]);
    if (name == "Transfer-Encoding") question.chunked = true;
    question.fields.emplace_back(std::move(name), unescape(value));
  }
  if (question.chunked) {
    for (const std::string& line : message.body) question.chunks.push_back(unescape(line));
  } else {
    question.body = unescape(message.joined_body());
  }
  return question;
}

Expectation read_expectation(const std::string& path, const Section& section) {
  Expectation expectation;
  const Message message = split_message(section);
  if (message.head.empty()) wrong(path, section.line, "an answer needs a status");
  std::istringstream first(message.head[0].text);
  first >> expectation.status;
  std::string word;
  expectation.cut_off = static_cast<bool>(first >> word) && word == "cut";
  if (expectation.status == 0) wrong(path, message.head[0].number, "no status");
  for (std::size_t i = 1; i < message.head.size(); ++i) {
    const Line& line = message.head[i];
    if (line.text.starts_with('!')) {
      expectation.absent.push_back(line.text.substr(1));
    } else {
      expectation.fields.push_back(split_field(path, line));
    }
  }
  if (!message.has_body) return expectation;
  const std::string body = message.joined_body();
  if (body.starts_with("~ ")) {
    expectation.body_kind = Expectation::Body::kPattern;
    expectation.body = body.substr(2);
  } else if (body.starts_with("json ")) {
    expectation.body_kind = Expectation::Body::kJson;
    expectation.body = body.substr(5);
  } else {
    expectation.body_kind = Expectation::Body::kExact;
    expectation.body = body == "(empty)" ? "" : unescape(body);
  }
  return expectation;
}

void add_section(const std::string& path, Case& to, const Section& section) {
  static const std::set<std::string> kLanguages{"js", "cjs", "ts", "py", "async-py"};
  std::istringstream words(section.title);
  std::string first;
  words >> first;
  std::string rest;
  std::getline(words, rest);
  rest = trimmed(rest);
  if (kLanguages.contains(first)) {
    to.variants.push_back({first, section.text(), section.line + 1});
  } else if (first == "only") {
    to.why_only = rest;
  } else if (first == "config") {
    to.config = section.text();
  } else if (first == "route") {
    to.route = rest;
  } else if (first == "request") {
    to.steps.push_back({read_question(path, section), {}, section.line});
  } else if (first == "expect") {
    if (to.steps.empty()) wrong(path, section.line, "an answer without a request");
    to.steps.back().expectation = read_expectation(path, section);
  } else if (first == "log") {
    for (const Line& line : section.lines) {
      if (!line.text.empty()) to.log.push_back(line.text);
    }
  } else {
    wrong(path, section.line, "unknown section '" + section.title + "'");
  }
}

// The same meaning in both languages is the point: what has no twin says why.
void check(const std::string& path, const Case& found) {
  bool js = false, py = false;
  for (const Variant& variant : found.variants) (variant.python() ? py : js) = true;
  if (!js && !py) wrong(path, found.line, "no handler");
  if ((!js || !py) && found.why_only.empty()) {
    wrong(path, found.line, "a handler in one language only; say why: --- only because ...");
  }
  if (found.steps.empty()) wrong(path, found.line, "no request");
  for (const Step& step : found.steps) {
    if (step.expectation.status == 0) wrong(path, step.line, "a request without an answer");
  }
}

void read_host_line(CaseFile& file, const std::string& text) {
  std::istringstream words(text);
  std::string first, word;
  words >> first;
  if (first == "host") {
    while (words >> word) file.host_arguments.push_back(word);
  } else if (first == "environment") {
    while (words >> word) {
      const std::size_t equals = word.find('=');
      file.host_environment.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
  }
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      const char c = text[++i];
      switch (c) {
        case 'r':
          out += '\r';
          break;
        case 'n':
          out += '\n';
          break;
        case 't':
          out += '\t';
          break;
        case '0':
          out += '\0';
          break;
        case 'x':
          if (i + 2 < text.size()) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
          }
          i += 2;
          break;
        default:
          out += c;
      }
      continue;
    }
    const std::size_t star = text.find('*', i), close = text.find('}', i);
    if (text[i] == '{' && star != text.npos && close != text.npos && star < close &&
        close - star < 12 && star - i <= 20 &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(star) + 1,
                    text.begin() + static_cast<std::ptrdiff_t>(close),
                    [](unsigned char c) { return std::isdigit(c) != 0; })) {
      const std::string_view unit = text.substr(i + 1, star - i - 1);
      std::size_t times = std::stoul(std::string(text.substr(star + 1, close - star - 1)));
      while (times-- > 0) out += unit;
      i = close;
      continue;
    }
    out += text[i];
  }
  return out;
}

std::string Question::bytes(std::string_view mount) const {
  std::string out =
      method + " " + std::string(mount) + (target == "/" ? "" : target) + " " + version + "\r\n";
  bool host = version == "HTTP/1.0";
  for (const auto& [name, value] : fields) {
    host = host || name == "Host";
    out += name + ": " + value + "\r\n";
  }
  if (!host) out += "Host: conformance.test\r\n";
  if (chunked) {
    out += "\r\n";
    for (const std::string& chunk : chunks) {
      if (chunk.empty()) continue;
      std::ostringstream size;
      size << std::hex << chunk.size();
      out += size.str() + "\r\n" + chunk + "\r\n";
    }
    return out + "0\r\n\r\n";
  }
  if (!body.empty() || method == "POST" || method == "PUT") {
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return out + "\r\n" + body;
}

CaseFile read_case_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + ": cannot be read");
  CaseFile file;
  Section* open = nullptr;
  std::vector<std::pair<std::size_t, std::vector<Section>>> cases;  // parallel to file.cases
  std::size_t number = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    if (text.starts_with("=== ")) {
      Case& added = file.cases.emplace_back();
      added.name = trimmed(text.substr(4));
      added.slug = slug_of(added.name);
      added.line = number;
      cases.emplace_back(number, std::vector<Section>());
      open = nullptr;
    } else if (text.starts_with("--- ")) {
      if (cases.empty()) wrong(path, number, "a section outside of a case");
      open = &cases.back().second.emplace_back(Section{trimmed(text.substr(4)), number, {}});
    } else if (open != nullptr) {
      open->lines.push_back({number, text});
    } else if (cases.empty()) {
      read_host_line(file, text);
    } else if (!trimmed(text).empty() && !text.starts_with('#')) {
      wrong(path, number, "text outside of a section");
    }
  }
  std::set<std::string> slugs;
  for (std::size_t i = 0; i < file.cases.size(); ++i) {
    Case& found = file.cases[i];
    if (!slugs.insert(found.slug).second) wrong(path, found.line, "two cases of that name");
    for (const Section& section : cases[i].second) add_section(path, found, section);
    check(path, found);
  }
  return file;
}

}  // namespace duet::conformance
