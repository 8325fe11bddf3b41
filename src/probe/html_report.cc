#include "probe/html_report.h"

#include <string_view>

#include "probe/json_report.h"

namespace lathe::probe {
namespace {

// The two are files of their own, each one raw string.
constexpr std::string_view kStyle =
#include "probe/report_style.css.inc"
    ;
constexpr std::string_view kScript =
#include "probe/report_script.js.inc"
    ;

constexpr std::string_view kHead = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>lathe probe matmul</title>
<style>)html";

constexpr std::string_view kBody = R"html(</style>
</head>
<body>
<main>
<header>
<div><h1>lathe probe: matmul</h1><p class="soft" id="where"></p></div>
<button id="theme" type="button">Light / dark</button>
</header>
<noscript><p class="card">This page draws itself with the script inside it; the data are the JSON at its end.</p></noscript>
<div class="tiles" id="tiles"></div>
<div class="two">
<div class="card"><h2>Roofline</h2><p class="soft small">Every shape: the fastest of ours and of each peer, under what the machine can do.</p><div id="roofline"></div></div>
<div id="sweeps" style="display:contents"></div>
</div>
<div id="bars" style="margin-top:24px"><h2>Share of the ceiling, by shape</h2><p class="soft small">The longer the bar, the closer to the ceiling that binds (multiply-adds, or reading the operands). At the right: the time of the best peer over ours.</p><div id="barlegend"></div><div class="groups" id="groups"></div></div>
<div class="card">
<h2>Every row</h2>
<div class="tools"><input id="filter" type="search" placeholder="Filter: words of shape, type, variant" aria-label="Filter"/><select id="outcome" aria-label="Outcome"><option value="!not_supported">all but not supported</option><option value="">every outcome</option></select><span class="soft small" id="count"></span></div>
<div class="scroll"><table><thead id="thead"></thead><tbody id="tbody"></tbody></table></div>
</div>
<details class="card" id="gaps"><summary>Not supported, and why</summary><div class="scroll" style="margin-top:10px"><table><thead><tr><th>contender</th><th class="num">shapes</th><th>reason</th><th>for example</th></tr></thead><tbody id="gaprows"></tbody></table></div></details>
<div class="card"><h2>Machine and build</h2><dl id="facts"></dl><div id="notes" style="margin-top:10px"></div></div>
</main>
<div id="tip" role="tooltip"></div>
<script type="application/json" id="data">)html";

constexpr std::string_view kTail = R"html(</script>
<script>)html";

constexpr std::string_view kEnd = R"html(</script>
</body>
</html>
)html";

// A name may hold "</script>": in JSON every < stands inside a string, where its escape means the same.
std::string without_tags(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string render_html(const Report& report, const Context& context) {
  return page_around(render_json(report, context, -1));
}

std::string page_around(const std::string& json) {
  std::string page;
  for (const std::string_view part : {kHead, kStyle, kBody}) page += part;
  page += without_tags(json);
  for (const std::string_view part : {kTail, kScript, kEnd}) page += part;
  return page;
}

}  // namespace lathe::probe
