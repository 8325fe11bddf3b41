// A parsed template. Expressions lie in one deque and refer to each other by pointers, so that nothing is freed by
// recursion; how deep they are nested is bounded when they are made.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/value.h"

namespace lathe::chat {

enum class ExprKind : uint8_t {
  literal,
  name,
  list,
  tuple,
  dict,     // parts: key, value, key, value, ...
  negate,   // -x
  plus,     // +x
  invert,   // not x
  binary,   // text: + - * / // % ** ~
  compare,  // parts: the operands; operators: between them
  both,     // and
  either,   // or
  choice,   // parts: what, condition, and maybe what else
  field,    // parts[0].text
  item,     // parts[0][parts[1]]
  slice,    // parts[0][parts[1]:parts[2]:parts[3]], nullptr where one is left out
  call,     // parts[0](rest of the parts, named)
  filter,   // parts[0] | text(rest, named)
  test,     // parts[0] is text rest
};

struct Expr {
  ExprKind kind = ExprKind::literal;
  int line = 0, depth = 1;
  std::string text = {};
  Value literal = {};
  std::vector<const Expr*> parts = {};
  std::vector<std::string> operators = {};
  std::vector<std::pair<std::string, const Expr*>> named = {};
};

enum class StmtKind : uint8_t { data, output, branch, loop, set, set_block, set_field, macro, stop, next, block };

struct Stmt;
using Body = std::vector<Stmt>;

struct Branch {
  const Expr* condition = nullptr;  // nullptr: else
  Body body;
};

// One argument of a macro.
struct Parameter {
  std::string name;
  const Expr* fallback = nullptr;
};

struct Macro {
  std::string name;
  std::vector<Parameter> parameters;
  const Body* body = nullptr;
};

struct Stmt {
  StmtKind kind = StmtKind::data;
  int line = 0;
  std::string text = {};                  // data; the name of a space
  const Expr* expr = nullptr;             // output, what is set, what is looped over
  const Expr* condition = nullptr;        // of a loop: which elements
  std::vector<std::string> targets = {};  // names that are set; the field of a space
  std::vector<Branch> branches = {};
  Body body = {}, otherwise = {};
  Macro* macro = nullptr;
};

struct Syntax {
  std::deque<Expr> exprs;
  std::deque<Macro> macros;
  std::deque<Body> macro_bodies;
  Body body;
};

inline constexpr int kDeepest = 200;  // of expressions within each other, and of statements

// Throws Wrong.
Syntax parse(std::string_view source);

}  // namespace lathe::chat
