#!/usr/bin/env python3
"""Compares lathe's templates with Jinja, set up as transformers does it: the constructs of the chat templates that are
in use, over conversations of every kind they tell apart. Needs the Python package jinja2 and the built test program
template_test. --templates FOLDER takes further templates, *.jinja.

    tests/chat_peer.py BUILD_FOLDER/tests/template_test [--templates FOLDER] [--shown N]
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jinja2
import jinja2.ext
import jinja2.sandbox

# What template_test renders with.
NOW = datetime.datetime(2024, 7, 26, 13, 0, 0)


class Generation(jinja2.ext.Extension):
    """transformers' tag that marks what a model wrote; for text it is a plain block."""
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


class Refused(Exception):
    pass


def environment():
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                        extensions=[Generation, jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise Refused(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = NOW.strftime
    return made


TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather in a city, \"now\" or later",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Zürich, …"},
                                                    "days": {"type": "integer", "enum": [1, 2]}}, "required": ["city"]}}}]
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "abcdef123", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Bern", "days": 2}}}]}
CONVERSATIONS = {
    "one": [{"role": "user", "content": "Hi  there"}],
    "system": [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "Hi"}],
    "turns": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b "}, {"role": "user", "content": "c 😀"}],
    "long": [{"role": "system", "content": "s"}] + [{"role": r, "content": f"{r} {i}\n"} for i in range(4)
                                                   for r in ("user", "assistant")],
    "thought": [{"role": "user", "content": "a"},
                {"role": "assistant", "content": "<think>\nhm\n</think>\n\nb", "reasoning_content": "hm hm"},
                {"role": "user", "content": "c"}, {"role": "assistant", "content": "<think>x</think>y"}],
    "call": [{"role": "user", "content": "Weather?"}, CALL, {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123",
                                                             "content": "{\"sun\": true}"}],
    "calls": [{"role": "system", "content": "s"}, {"role": "user", "content": "Weather?"}, CALL,
              {"role": "tool", "content": "1", "tool_call_id": "abcdef123"}, {"role": "tool", "content": "2", "tool_call_id": "abcdef124"},
              {"role": "assistant", "content": "Sunny"}, {"role": "user", "content": "Thanks"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}]}],
    "image": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}],
    "disorder": [{"role": "assistant", "content": "b"}, {"role": "assistant", "content": "b"}],
    "none": [],
    "other role": [{"role": "critic", "content": "x"}, {"role": "user", "content": "Hi"}],
}

# Constructs of the templates in use, family by family, written anew and short.
TEMPLATES = {
    "llama 2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system != false %}{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "llama 3": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{#- The first system message is taken out -#}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start|>system<|end|>\\n\\nToday Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n'+ message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one call at a time") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {%- for arg_name, arg_val in tool_call.arguments | items %}
            {{- arg_name + '="' ~ arg_val ~ '"' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- endif %}
        {%- endfor %}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\\n\\n' }}
{%- endif %}
""",
    "qwen": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\n{\\"name\\": <function-name>}<|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
                {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
                {{- '{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "gemma": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\\n' + (prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\\n'}}
{%- endif -%}
""",
    "smollm 3": """{%- if enable_thinking is not defined -%}
{%- set enable_thinking = true -%}
{%- endif -%}
{%- set reasoning_mode = "/think" if enable_thinking else "/no_think" -%}
{{- "<|im_start|>system\\n" -}}
{%- if messages[0].role == "system" -%}
  {%- set system_message = messages[0].content -%}
  {%- if "/no_think" in system_message -%}{%- set reasoning_mode = "/no_think" -%}{%- endif -%}
  {%- set custom_instructions = system_message.replace("/no_think", "").replace("/think", "").rstrip() -%}
{%- endif -%}
{%- set today = strftime_now("%d %B %Y") -%}
{{- "Today Date: " ~ today ~ "\\n" -}}
{{- "Reasoning Mode: " + reasoning_mode + "\\n\\n" -}}
{%- if custom_instructions -%}{{- custom_instructions + "\\n\\n" -}}{%- endif -%}
{%- if xml_tools or python_tools or tools -%}
  {%- set ns = namespace(xml_tool_string="<tools>\\n") -%}
  {%- for tool in (xml_tools or tools)[:] -%}
    {%- set ns.xml_tool_string = ns.xml_tool_string ~ (tool | string) ~ "\\n" -%}
  {%- endfor -%}
  {{- ns.xml_tool_string + "</tools>" -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.content is string -%}
    {%- if message.role == "user" -%}
      {{ "<|im_start|>" + message.role + "\\n" + message.content + "<|im_end|>\\n" }}
    {%- elif message.role == "assistant" -%}
      {% generation %}
      {%- if reasoning_mode == "/think" -%}
        {{ "<|im_start|>assistant\\n" + message.content.lstrip("\\n") + "<|im_end|>\\n" }}
      {%- else -%}
        {{ "<|im_start|>assistant\\n" + "<think>\\n\\n</think>\\n" + message.content.lstrip("\\n") + "<|im_end|>\\n" }}
      {%- endif -%}
      {% endgeneration %}
    {%- endif -%}
  {%- endif -%}
{%- endfor -%}
""",
    "mistral": """{%- if messages and messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{#- roles must alternate, calls of tools aside #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("ids have 9 characters") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + ", " }}
        {{- '"call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception("unknown role") }}
    {%- endif %}
{%- endfor %}
""",
    "macros": """{% macro kind(spec, wrap=false) -%}
  {%- set basic = {"string": "str", "integer": "int"} -%}
  {%- if spec.type is iterable and spec.type is not string -%}{{ spec.type | join(" | ") }}
  {%- elif spec.enum -%}{{ '"' + spec.enum|join('" | "') + '"' }}
  {%- elif spec.properties -%}{ {%- for name, inner in spec.properties.items() %} {{ name }}: {{ kind(inner, wrap=true) }}{{ ',' if not loop.last }}{% endfor %} }
  {%- else -%}{{ basic.get(spec.type, 'any') }}{{ '?' if wrap }}{%- endif -%}
{%- endmacro -%}
{% for tool in tools or [] %}{{ loop.index ~ '. ' ~ tool.function.name | upper }}: {{ kind(tool.function.parameters) }}
{% else %}no tools
{% endfor %}
{% for m in messages | rejectattr('role', 'in', ['system', 'tool']) %}
  {{ loop.cycle('odd', 'even') }} {{ m.role | capitalize }}{% if loop.nextitem is defined %} then {{ loop.nextitem.role }}{% endif %}

{% endfor %}
{{ messages | map(attribute='role') | unique | sort | join('/') }} {{ messages | map(attribute='content', default='-') | map('string') | map('length') | sum }}
""",
}


def cases(folder):
    templates = dict(TEMPLATES)
    for path in sorted(pathlib.Path(folder).rglob("*.jinja")) if folder else []:
        templates[path.stem] = path.read_text()
    more = [("", {}), (" and tools", {"tools": TOOLS}), (", not thinking", {"enable_thinking": False})]
    for name, template in templates.items():
        for conversation, messages in CONVERSATIONS.items():
            for kind, extra in more:
                for prompt in (False, True):
                    context = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
                               "documents": None, "tools": None, **extra, "messages": messages,
                               "add_generation_prompt": prompt}
                    yield f"{name}: {conversation}{kind}{', prompt' if prompt else ''}", template, context


def rendered_by_jinja(env, template, context):
    """The text; or "!" and, of what raise_exception() says, the message."""
    try:
        return env.from_string(template).render(**context)
    except Refused as refused:
        return f"! t refuses these messages: {refused}"
    except (jinja2.TemplateError, TypeError, ValueError, AttributeError, KeyError) as error:
        return f"! {error}"


def same(ours, theirs):
    if theirs.startswith("! ") and not theirs.startswith("! t refuses"):
        return ours.startswith("! t") and "refuses" not in ours  # an error is an error, in whatever words
    return ours == theirs


# Template and text, as the cases of template_test.cc have them: its expectations are Jinja's.
def cases_of_the_test():
    source = (pathlib.Path(__file__).parent.parent / "src" / "chat" / "template_test.cc").read_text()
    context = json.loads(re.search(r'Json::parse\(R"\((\{"x".*?)\)"\)', source, re.S)[1])
    literal = r'"((?:[^"\\]|\\.)*)"'
    for block in re.findall(r"INSTANTIATE_TEST_SUITE_P\(\s*(?:Expressions|Statements|Blanks),.*?;\n\n?(?=INST|\n|//)", source, re.S):
        for found in re.findall(r"Case\{" + literal + r",\s*" + literal + r"\}", block):
            yield tuple(text.encode("latin-1", "backslashreplace").decode("unicode-escape").encode("latin-1").decode()
                        if r"\x" in text else json.loads(f'"{text}"') for text in found) + (context,)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("test_program")
    parser.add_argument("--templates", help="a folder of further templates")
    parser.add_argument("--shown", type=int, default=5)
    options = parser.parse_args()
    env = environment()
    all_cases = list(cases(options.templates))
    with tempfile.TemporaryDirectory() as folder:
        given, results = pathlib.Path(folder, "cases.json"), pathlib.Path(folder, "results.json")
        given.write_text(json.dumps([{"template": t, "context": c} for _, t, c in all_cases]))
        subprocess.run([options.test_program, "--gtest_filter=Template.ForThePeer"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LATHE_CHAT_CASES": str(given), "LATHE_CHAT_RESULTS": str(results)})
        ours = json.loads(results.read_text())
    theirs = [rendered_by_jinja(env, t, c) for _, t, c in all_cases]
    differing = [i for i in range(len(ours)) if not same(ours[i], theirs[i])]
    for i in differing[:options.shown]:
        print(f"{all_cases[i][0]}\n    lathe {ours[i]!r}\n    jinja {theirs[i]!r}")
    texts = sum(not text.startswith("! ") for text in theirs)
    print(f"{len(ours) - len(differing)} of {len(ours)} renderings equal; {texts} of them are texts, the others errors in both")
    tested = list(cases_of_the_test())
    wrong = [(t, e, rendered_by_jinja(env, t, c)) for t, e, c in tested if rendered_by_jinja(env, t, c) != e]
    for template, expected, text in wrong:
        print(f"template_test.cc: {template!r}\n    test  {expected!r}\n    jinja {text!r}")
    print(f"{len(tested) - len(wrong)} of {len(tested)} expectations of template_test.cc are Jinja's")
    return 1 if differing or wrong or not tested else 0


if __name__ == "__main__":
    sys.exit(main())
