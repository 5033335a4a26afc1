#include "host/report/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/escape.h"

namespace duet::report {
namespace {

constexpr std::size_t kFewColumns = 3;

// Colours are roles, given twice. Series have the hues of Okabe & Ito, which people who see few
// colours can tell apart, made lighter on dark ground; the second four are for dashed lines.
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ground:#fbfbfa;--card:#fff;--ink:#1d1f24;--quiet:#666b76;
--line:#e2e3e6;--good:#0a7a55;--bad:#b3361b;--warn:#fff4df;--warn-line:#e0a63a;
--s0:#0072b2;--s1:#c65500;--s2:#00835f;--s3:#a3507f;--s4:#7d6600;--s5:#5b4bc4;--s6:#b3263a;
--s7:#56606e;--shade:0,114,178}
@media (prefers-color-scheme:dark){:root{--ground:#14161a;--card:#1c1f25;--ink:#e8e9ec;
--quiet:#9a9fab;--line:#31353d;--good:#4fcf9f;--bad:#ff8f6b;--warn:#352a14;--warn-line:#b98a2e;
--s0:#5cb8f2;--s1:#f39a4d;--s2:#45cfa4;--s3:#dd93bd;--s4:#e0c552;--s5:#a99cff;--s6:#ff8a8f;
--s7:#b4bdc9;--shade:92,184,242}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
header{border-bottom:1px solid var(--line);padding-bottom:1.5rem;margin-bottom:.5rem}
.title{color:var(--quiet);font-size:.85rem;letter-spacing:.02em;margin:0 0 .6rem}
h1{font-size:1.7rem;line-height:1.3;font-weight:650;margin:0;text-wrap:balance}
.about{color:var(--quiet);margin:.8rem 0 0}
section{margin-top:2.2rem}
h2{font-size:1.05rem;font-weight:650;margin:0 0 .7rem}
p{margin:.6rem 0;max-width:46rem}
.note{color:var(--quiet);font-size:.85rem}
.warning{background:var(--warn);border-left:4px solid var(--warn-line);padding:.7rem 1rem;
border-radius:4px;max-width:none}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;min-width:32rem;font-size:.9rem}
.few{min-width:0}.wide tbody:first-child tr:first-child>*{border-top:0}
th,td{padding:.45rem .8rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--quiet);font-weight:500;font-size:.8rem;vertical-align:bottom}
tbody th{font-weight:550;white-space:nowrap;position:sticky;left:0;background:var(--card)}
td:not(.n):not(:empty){min-width:7rem}
td small{display:block;color:var(--quiet);font-size:.78rem}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.8rem}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem}
.tile b{display:block;font-size:1.35rem;font-weight:650;font-variant-numeric:tabular-nums;
line-height:1.35}
.tile span{color:var(--quiet);font-size:.8rem;display:block}
figure{margin:0 0 .8rem;background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.8rem;overflow-x:auto}
figcaption{color:var(--quiet);font-size:.85rem;padding:.3rem .3rem 0}
svg{display:block;width:100%;min-width:38rem;height:auto;font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
svg text{fill:var(--quiet)}svg .label{fill:var(--ink)}
svg .grid{stroke:var(--line);stroke-width:1}svg .zero{stroke:var(--quiet);stroke-width:1.2}
svg .line{fill:none;stroke-width:2;stroke-linejoin:round}svg .band{opacity:.18;stroke:none}
svg .c0{stroke:var(--s0)}svg .f0{fill:var(--s0)}svg .c1{stroke:var(--s1)}svg .f1{fill:var(--s1)}
svg .c2{stroke:var(--s2)}svg .f2{fill:var(--s2)}svg .c3{stroke:var(--s3)}svg .f3{fill:var(--s3)}
svg .c4{stroke:var(--s4)}svg .f4{fill:var(--s4)}svg .c5{stroke:var(--s5)}svg .f5{fill:var(--s5)}
svg .c6{stroke:var(--s6)}svg .f6{fill:var(--s6)}svg .c7{stroke:var(--s7)}svg .f7{fill:var(--s7)}
svg .dash{stroke-dasharray:7 4}svg .key{stroke-width:4}
@media print{body{background:#fff}section{break-inside:avoid}}
)";

std::string_view tone_class(Cell::Tone tone) {
  constexpr std::string_view kClasses[] = {"", "good", "bad", "quiet"};
  return kClasses[static_cast<int>(tone)];
}

std::string classes(bool number, Cell::Tone tone) {
  std::string names = number ? "n" : "";
  const std::string_view with = tone_class(tone);
  if (!names.empty() && !with.empty()) names += ' ';
  names += with;
  return names.empty() ? "" : " class=\"" + names + "\"";
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Character c = utf8_at(text, i);
    if (!c.valid) {
      out += "\xef\xbf\xbd";
    } else if (is_unprintable(c.code)) {
      append_printable(out, text.substr(i, c.length));
    } else if (c.code == '&') {
      out += "&amp;";
    } else if (c.code == '<') {
      out += "&lt;";
    } else if (c.code == '>') {
      out += "&gt;";
    } else if (c.code == '"') {
      out += "&quot;";
    } else {
      out += text.substr(i, c.length);
    }
    i += c.length;
  }
  return out;
}

std::string table(const Table& table) {
  // Few columns have room on a telephone; more scroll there, instead of a word a line.
  std::string out = "<div class=\"wide\"><table";
  if (table.head.size() <= kFewColumns) out += " class=\"few\"";
  out += ">";
  const bool titles = std::any_of(table.head.begin(), table.head.end(),
                                  [](const std::string& title) { return !title.empty(); });
  if (titles) out += "<thead><tr>";
  for (std::size_t i = 0; titles && i < table.head.size(); ++i) {
    const bool numbers = std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
      return i < row.size() && row[i].number;
    });
    out += fmt::format("<th scope=\"col\"{}>{}</th>", numbers ? " class=\"n\"" : "",
                       escape(table.head[i]));
  }
  if (titles) out += "</tr></thead>";
  out += "<tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Cell& cell = row[i];
      const std::string_view tag = i == 0 ? "th scope=\"row\"" : "td";
      const std::string below =
          cell.below.empty() ? "" : "<small>" + escape(cell.below) + "</small>";
      const double shade = std::clamp(cell.shade, 0.0, 1.0);
      const std::string style =
          shade > 0 ? fmt::format(" style=\"background:rgba(var(--shade),{:.2f})\"", 0.6 * shade)
                    : std::string();
      out += fmt::format("<{}{}{}>{}</{}>", tag, classes(cell.number, cell.tone), style,
                         escape(cell.text) + below, i == 0 ? "th" : "td");
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>\n";
}

std::string tiles(const std::vector<Tile>& tiles) {
  std::string out = "<div class=\"tiles\">";
  for (const Tile& tile : tiles) {
    out += fmt::format("<div class=\"tile\"><span>{}</span><b{}>{}</b>", escape(tile.label),
                       classes(false, tile.tone), escape(tile.value));
    if (!tile.note.empty()) out += "<span>" + escape(tile.note) + "</span>";
    out += "</div>";
  }
  return out + "</div>\n";
}

std::string paragraph(std::string_view text) { return "<p>" + escape(text) + "</p>\n"; }
std::string note(std::string_view text) { return "<p class=\"note\">" + escape(text) + "</p>\n"; }
std::string warning(std::string_view text) {
  return "<p class=\"warning\" role=\"note\">" + escape(text) + "</p>\n";
}

std::string figure(std::string_view svg_html, std::string_view caption) {
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", svg_html, escape(caption));
}

std::string page(const Page& page) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style></head>\n<body><main>\n"
      "<header><p class=\"title\">{0}</p>\n<h1{2}>{3}</h1>\n",
      escape(page.title), kStyle, classes(false, page.tone), escape(page.verdict));
  if (!page.about.empty()) out += "<p class=\"about\">" + escape(page.about) + "</p>\n";
  out += "</header>\n";
  for (const Section& section : page.sections) {
    out += "<section>";
    if (!section.title.empty()) out += "<h2>" + escape(section.title) + "</h2>\n";
    out += section.html + "</section>\n";
  }
  return out + "</main></body></html>\n";
}

}  // namespace duet::report
