#include "chat/template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "chat/chat_template.h"

namespace lathe::chat {
namespace {

using Json = nlohmann::ordered_json;

std::tm some_day() {
  std::tm day{};
  day.tm_year = 124, day.tm_mon = 6, day.tm_mday = 26, day.tm_wday = 5, day.tm_yday = 207, day.tm_hour = 13;
  return day;
}

std::string rendered(std::string_view source, const Json& context = Json::object()) {
  const auto made = Template::parse(source, "t");
  if (!made) return "! " + made.status().message();
  const auto text = made->render(context, some_day());
  return text ? *text : "! " + text.status().message();
}

struct Case {
  const char *source, *expected;
};
class Renders : public ::testing::TestWithParam<Case> {};
TEST_P(Renders, As) {
  const Json context = Json::parse(R"({"x": 3, "name": "Ann", "list": [3, 1, 2], "none": null, "yes": true,
    "user": {"role": "user", "content": " Hi ", "items": 7},
    "people": [{"n": "b", "age": 2}, {"n": "a", "age": 1}, {"n": "c"}],
    "nested": {"a": [1, 2.5, "\u00e9\n\"", null, true], "b": {}}})");
  EXPECT_EQ(rendered(GetParam().source, context), GetParam().expected) << GetParam().source;
}
// Every line was rendered by jinja2 3.1.6 (tests/chat_peer.py), set up as transformers does it.
INSTANTIATE_TEST_SUITE_P(
    Expressions, Renders,
    ::testing::Values(
        Case{"{{ 1 + 2 * 3 ** 2 // 4 % 3 - 1 }}", "1"}, Case{"{{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }}", "3.5 -4 2"},
        Case{"{{ 2 ** -1 }} {{ 1e3 }} {{ 4 / 2 }}", "0.5 1000.0 2.0"},
        Case{"{{ -x|abs }} {{ 'a' ~ 1 ~ none }}", "3 a1None"}, Case{"{{ 1 < 2 < 3 }} {{ 3 > 2 >= 3 }}", "True False"},
        Case{"{{ 'a' in 'cat' and 4 not in list }}", "True"},
        Case{"{{ not x is defined or y is not defined }}", "True"},
        Case{"{{ 'p' if x == 3 else 'q' }}{{ 'r' if no }}", "p"},
        Case{"{{ list[-1] }}{{ list[5] }}{{ name[0] }}{{ name[1:] }}{{ name[::-1] }}", "2AnnnnA"},
        Case{"{{ list[:2] }} {{ list[::-1] }} {{ (1, 'a') }} {{ (1,) }}", "[3, 1] [2, 1, 3] (1, 'a') (1,)"},
        Case{"{{ {'a': 1, \"it's\": none} }}", "{'a': 1, \"it's\": None}"},
        Case{"{{ user.content.strip() }}{{ user['role'] }}", "Hiuser"},
        Case{"{{ user['items'] }} {{ user.items() | length }}", "7 3"}, Case{"{{ nothing }}|{{ user.nothing }}", "|"},
        Case{"{{ none or 'd' }} {{ '' and 1 }} {{ 1 and 2 }}", "d  2"},
        Case{"{{ true }} {{ None }} {{ True == 1 }}", "True None True"},
        Case{"{{ 'a' 'b' }} {{ \"\\u00e9\\t\\x41\\q\" }}", "ab \xC3\xA9\tA\\q"},
        Case{"{{ 'ab' * 2 }}{{ [1] + [2] }}", "abab[1, 2]"},
        Case{"{{ people | map(attribute='n') | join(', ') }}", "b, a, c"},
        Case{"{{ people | selectattr('age', 'defined') | map(attribute='age') | list }}", "[2, 1]"},
        Case{"{{ people | rejectattr('n', 'equalto', 'a') | map(attribute='n') | list }}", "['b', 'c']"},
        Case{"{{ people | sort(attribute='n') | map(attribute='n') | first }}", "a"},
        Case{"{{ list | select('>', 1) | list }} {{ list | sort(reverse=true) }}", "[3, 2] [3, 2, 1]"},
        Case{"{{ ['a', 'B'] | map('upper') | list }}", "['A', 'B']"},
        Case{"{{ list | sum }} {{ list | max }} {{ list | min }}", "6 3 1"},
        Case{"{{ ' x ' | trim }}.{{ 'ab' | upper }}.{{ 'hello wORLD' | title }}.{{ 'hELLO' | capitalize }}",
             "x.AB.Hello World.Hello"},
        Case{"{{ nothing | default('d') }}{{ '' | default('e', true) }}{{ none | d('f') }}", "deNone"},
        Case{"{{ nested | tojson }}", "{\"a\": [1, 2.5, \"\xC3\xA9\\n\\\"\", null, true], \"b\": {}}"},
        Case{"{{ nested | tojson(indent=2) }}",
             "{\n  \"a\": [\n    1,\n    2.5,\n    \"\xC3\xA9\\n\\\"\",\n    null,\n    true\n  ],\n  \"b\": {}\n}"},
        Case{"{{ {'b': 1, 'a': 2} | tojson(separators=(',', ':'), sort_keys=true) }}", "{\"a\":2,\"b\":1}"},
        Case{"{{ {'b': 1, 'a': 2} | items | list }} {{ {'b': 1, 'a': 2} | dictsort }}",
             "[('b', 1), ('a', 2)] [('a', 2), ('b', 1)]"},
        Case{"{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a-b-c'.rsplit('-', 1) }}",
             "['a', 'b', '', 'c'] ['a', 'b'] ['a-b', 'c']"},
        Case{"{{ 'xxabxx'.strip('x') }} {{ 'abc'.replace('b', '') }} {{ 'abc'.startswith(('x', 'a')) }}", "ab ac True"},
        Case{"{{ 'a b'.split(' ')[-1] }} {{ 'abcabc'.find('c') }} {{ ','.join(['a', 'b']) }}", "b 2 a,b"},
        Case{"{{ '3' | int + 1 }} {{ 'x' | int }} {{ 3.7 | int }} {{ 2.5 | round }} {{ 2.567 | round(2) }}",
             "4 0 3 2.0 2.57"},
        Case{"{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}", "a\n  b|  a\n  b"},
        Case{"{{ 'aXa' | replace('a', 'b') }} {{ [1, 1, 2] | unique | list }} {{ 'ab' | list }}",
             "bXb [1, 2] ['a', 'b']"},
        Case{
            "{{ x is odd }} {{ 4 is divisibleby 2 }} {{ name is string }} {{ user is mapping }} {{ list is iterable }}",
            "True True True True True"},
        Case{"{{ x is number and x is not none and none is none }} {{ x is in list }} {{ x is eq 3 }}",
             "True True True"},
        Case{"{{ range(3) | list }} {{ range(1, 10, 4) | list }} {{ range(3, 0, -1) | list }}",
             "[0, 1, 2] [1, 5, 9] [3, 2, 1]"},
        Case{"{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"},
        Case{"{{ '\xC3\xA9\xC3\xA0' | length }}{{ '\xC3\xA9\xC3\xA0'[1] }}{{ '\xC3\xA9' | upper }}",
             "2\xC3\xA0\xC3\x89"},
        Case{"{{ {'}}': '%}'} }}", "{'}}': '%}'}"},
        Case{"{{ '<a>' | e }} {{ dict(a=1).get('b', 2) }}", "&lt;a&gt; 2"}));
INSTANTIATE_TEST_SUITE_P(
    Statements, Renders,
    ::testing::Values(
        Case{"{% for i in list %}{{ loop.index }}/{{ loop.length }}:{{ i }}{{ ',' if not loop.last }}{% endfor %}",
             "1/3:3,2/3:1,3/3:2"},
        Case{"{% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{% endfor %}", "x1"},
        Case{"{% for i in list if i > 1 %}{{ i }}{{ loop.last }}{% else %}none{% endfor %}", "3False2True"},
        Case{"{% for i in [] %}x{% else %}none{% endfor %}", "none"},
        Case{"{% for i in list %}{% if loop.index0 == 1 %}{% continue %}{% endif %}{{ i }}{% if loop.index == 2 %}{% "
             "break %}{% endif %}{% endfor %}",
             "32"},
        Case{"{% set a = 1 %}{% for i in list %}{% set a = i %}{% endfor %}{{ a }}", "1"},
        Case{"{% set n = namespace(a=1) %}{% for i in list %}{% set n.a = n.a + i %}{% endfor %}{{ n.a }}", "7"},
        Case{"{% if x %}{% set a = 2 %}{% endif %}{{ a }}{% set b, c = 1, 2 %}{{ c }}", "22"},
        Case{"{% set t %}a{{ x }}{% endset %}[{{ t }}]", "[a3]"},
        Case{"{% macro m(a, b='q', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, c=2) }}",
             "1qNone 1q2"},
        Case{"{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210"},
        Case{"{% if false %}a{% elif x == 3 %}b{% else %}c{% endif %}", "b"},
        Case{"{% for i in list %}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}", "1;32;1;"},
        Case{"{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.cycle('a', 'b') }}{% endfor %}", "TrueaFalsebTruea"},
        Case{"{% raw %}{{ x }}{% endraw %}{# {{ x }} #}{% generation %}g{% endgeneration %}", "{{ x }}g"}));
INSTANTIATE_TEST_SUITE_P(
    Blanks, Renders,
    ::testing::Values(Case{"a\n{% if yes %}\n  b\n{% endif %}\nc\n", "a\n  b\nc"},
                      Case{"a\n  {% if yes %}\nb\n  {%- endif %}\nc", "a\nbc"},
                      Case{"a {%- if yes -%} \n b {% endif %} c", "ab  c"}, Case{"  {{ x }}  \n  {{- x }}\n", "  33"},
                      Case{"a\n  {#- note -#}\n  b", "ab"}, Case{"a\n  {# note #}\nb", "a\nb"},
                      Case{"  {%+ if yes %}a{% endif +%}\nb", "  a\nb"},
                      Case{"{% set a = 1 %}\n\n{{ a }}\n\n", "\n1\n"}, Case{"a  {% set b = 1 %}\nc", "a  c"},
                      Case{"{{ x }}\n{% if yes %}\n\ny{% endif %}", "3\n\ny"},
                      Case{"a\r\nb\r{% if yes %}\r\nc{% endif %}", "a\nb\nc"}, Case{"{ { } } {", "{ { } } {"}));

INSTANTIATE_TEST_SUITE_P(
    Errors, Renders,
    ::testing::Values(Case{"a\n{{ x.y.z }}", "! t, line 2: 'y' is undefined, needed: a value with a field 'z'"},
                      Case{"{{ nothing.y }}", "! t, line 1: 'nothing' is undefined, needed: a value with a field 'y'"},
                      Case{"{{ nothing() }}", "! t, line 1: 'nothing' is undefined, needed: a function"},
                      Case{"{{ nothing + 'a' }}", "! t, line 1: 'nothing' is undefined, needed: a value for '+'"},
                      Case{"{{ 1 + 'a' }}", "! t, line 1: '+' does not take an integer and a string"},
                      Case{"{{ 1 // 0 }}", "! t, line 1: division by zero"},
                      Case{"{{ 9223372036854775807 + 1 }}", "! t, line 1: the result of '+' does not fit in 64 bits"},
                      Case{"{{ 9223372036854775808 }}",
                           "! t, line 1: the number '9223372036854775808' is out of range"},
                      Case{"{{ x | nofilter }}", "! t, line 1: there is no filter 'nofilter'"},
                      Case{"{{ x is notest }}", "! t, line 1: there is no test 'notest'"},
                      Case{"{{ raise_exception('no system role') }}", "! t refuses these messages: no system role"},
                      Case{"{% if x %}", "! t, line 1: the template ends, needed: 'endif'"},
                      Case{"{% include 'x' %}", "! t, line 1: the tag 'include' is not supported here"},
                      Case{"{{ x", "! t, line 1: a tag is not closed by '}}'"},
                      Case{"{{ (x }}", "! t, line 1: unexpected '}'"},
                      Case{"{{ 'x }}", "! t, line 1: a text is not closed by its quote"},
                      Case{"{{ }}", "! t, line 1: found the end of the tag, needed: an expression"},
                      Case{"{% break %}", "! t, line 1: 'break' stands outside a loop"},
                      Case{"{% set a.b = 1 %}", "! t, line 1: 'a' is an undefined value, needed: a namespace"},
                      Case{"{{ list.append(1) }}", "! t, line 1: 'append' is undefined, needed: a function"},
                      Case{"{{ x[1:2] }}", "! t, line 1: an integer cannot be sliced"},
                      Case{"{% for a, b in [[1]] %}{% endfor %}", "! t, line 1: 1 values cannot be given to 2 names"},
                      Case{"{# x", "! t, line 1: a comment is not closed by '#}'"}));

// What would run for ever, or take all memory, ends in a sentence.
INSTANTIATE_TEST_SUITE_P(
    Loops, Renders,
    ::testing::Values(
        Case{"{% set l = range(9000) %}{% for i in l %}{% for j in l %}{% endfor %}{% endfor %}",
             "! t, line 1: took more than 5000000 steps, which is the limit (does it loop?)"},
        Case{"{{ range(1000000) }}", "! t, line 1: 'range' has more than 100000 elements"},
        Case{"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
             "! t, line 1: is nested more than 800 deep (does a macro call itself?)"},
        Case{"{% set n = namespace(a='x' * 1000) %}{% for i in range(99) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
             "! t, line 1: made values of more than 67108864 bytes, which is the limit (does it loop?)"},
        Case{"{{ 'x' * 9000000000 }}",
             "! t, line 1: made values of more than 67108864 bytes, which is the limit (does it loop?)"},
        Case{"{% set n = namespace(a=[]) %}{% for i in range(99) %}{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a == n.a "
             "}}",
             "! t, line 1: took more than 5000000 steps, which is the limit (does it loop?)"},
        Case{"{% set n = namespace(a=[]) %}{% for i in range(999) %}{% set n.a = [n.a] %}{% endfor %}{{ n.a }}",
             "! t, line 1: a value is nested more than 100 deep"},
        Case{"{% set t = 'x' * 1000000 %}{% for i in range(1000) %}{{ t }}{% endfor %}",
             "! t, line 1: printed more than 16777216 bytes, which is the limit (does it loop?)"}));

TEST(Template, NestingIsBounded) {
  const auto repeated = [](std::string_view part, int count) {
    std::string made;
    for (int i = 0; i < count; ++i) made += part;
    return made;
  };
  const std::string deep = "! t, line 1: is nested more than 200 deep";
  EXPECT_EQ(rendered("{{ " + repeated("(", 100000) + "x" + repeated(")", 100000) + " }}"), deep);
  EXPECT_EQ(rendered("{{ " + repeated("[", 5000) + repeated("]", 5000) + " }}"), deep);
  EXPECT_EQ(rendered("{{ " + repeated("not ", 5000) + "x }}"), deep);
  EXPECT_EQ(rendered("{{ " + repeated("- ", 5000) + "x }}"), deep);
  EXPECT_EQ(rendered("{{ x" + repeated(" + x", 5000) + " }}"), deep);
  EXPECT_EQ(rendered("{{ x" + repeated(".x", 5000) + " }}"), deep);
  EXPECT_EQ(rendered("{{ x" + repeated("|trim", 5000) + " }}"), deep);
  EXPECT_EQ(rendered("{{ x" + repeated(" if x else x", 5000) + " }}"), deep);
  EXPECT_EQ(rendered(repeated("{% if x %}", 5000)), deep);
  EXPECT_EQ(rendered(repeated("{% for x in y %}", 5000)), deep);
  EXPECT_EQ(rendered("{% if x %}" + repeated("{% elif x %}", 5000) + "{% endif %}"), "");  // no deeper than one
  EXPECT_EQ(rendered(std::string(2 << 20, 'x')), "! t: the template has 2097152 bytes, at most 1048576 are taken");
}

// Templates with bytes changed, dropped and doubled: text or one sentence, under sanitizers too.
TEST(Template, Mutations) {
  const std::string source =
      "{%- macro m(a, b=1) -%}{{ a|default('x') ~ b }}{%- endmacro %}\n{% set ns = namespace(n=0, l=[]) %}{% for m in "
      "messages if m.role != 'system' %}{%- if loop.first and m['content'] is string %}{{ '<|' + m.role + '|>' }}{% "
      "elif "
      "m.tool_calls %}{{ m.tool_calls | tojson(indent=2) }}{% else %}{{- m.content.strip()[1:-1].split('x')|last }}{% "
      "endif %}{% set ns.n = ns.n + loop.index0 * 2 ** 3 // 3 %}{% endfor %}{{ ns.n }}{{ [1, 2.5, (3,), {'k': none}] | "
      "map('string') | join(',') }}{# c #}{% raw %}{{{% endraw %}{{ x if x is defined else range(3) | list }}";
  const Json context =
      Json::parse(R"({"messages": [{"role": "user", "content": "axbxc"}, {"role": "a", "tool_calls": [1],
    "content": "\u00e9"}, {"role": "system", "content": "s"}]})");
  ASSERT_NE(rendered(source, context)[0], '!') << rendered(source, context);
  uint64_t state = 1;
  const auto below = [&state](size_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state >> 33) % bound;
  };
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string changed = source;
    for (size_t left = 1 + below(3); left > 0; --left) {
      const size_t at = below(changed.size()), length = 1 + below(12);
      const size_t kind = below(4);
      if (kind == 0) changed.erase(at, length);
      if (kind == 1) changed.insert(at, changed.substr(below(changed.size()), length));
      if (kind == 2) changed[at] = static_cast<char>(below(256));
      if (kind == 3) changed.insert(at, 1, "{}%|()[].'\"-+*/~,:=#"[below(20)]);
      if (changed.empty()) changed = "x";
    }
    const std::string text = rendered(changed, context);
    if (!text.starts_with("! t")) continue;
    ++refused;
    ASSERT_LT(text.size(), 400u) << text;
    ASSERT_EQ(text.find('\n'), text.npos) << text;
  }
  EXPECT_GT(refused, 1000);
}

// tests/chat_peer.py hands over templates and contexts and compares what comes back.
TEST(Template, ForThePeer) {
  const char *from = std::getenv("LATHE_CHAT_CASES"), *to = std::getenv("LATHE_CHAT_RESULTS");
  if (!from || !to) GTEST_SKIP() << "tests/chat_peer.py runs this";
  Json results = Json::array();
  for (const auto& one : Json::parse(std::ifstream(from)))
    results.push_back(rendered(one["template"].get<std::string>(), one["context"]));
  std::ofstream(to) << results.dump(-1, ' ', false, Json::error_handler_t::replace);
  EXPECT_FALSE(results.empty());
}

}  // namespace
}  // namespace lathe::chat
