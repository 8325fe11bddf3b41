#include "chat/interpreter.h"

#include <algorithm>
#include <array>

#include "base/shown.h"
#include "chat/filters.h"
#include "chat/operations.h"

namespace lathe::chat {

struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<std::string_view, Value>> names = {};
};

// A macro, and where it was defined.
struct Closure {
  const Macro* macro;
  Scope* scope;
};

namespace {

constexpr int kDeepestRun = 800;  // expressions, statements and macros within each other: less than 1 MiB of stack
const std::array<std::string, 5> kFunctions = {"range", "namespace", "dict", "raise_exception", "strftime_now"};

enum class Flow : uint8_t { on, stop, next };

class Interpreter {
 public:
  Interpreter(const Dict& globals, const std::tm& now, Heap& heap) : now_(now), heap_(heap) {
    scope_ = new_scope(nullptr);
    for (const auto& [name, value] : globals.items) scope_->names.emplace_back(*name.text, value);
  }

  std::string run(const Body& body) {
    try {
      execute(body);
    } catch (Wrong& error) {
      if (error.line == 0) error.line = line_;
      throw;
    }
    return std::move(output_);
  }

 private:
  struct Deeper {
    explicit Deeper(int& count) : depth(count) {
      if (++depth > kDeepestRun) {
        --depth;
        wrong("is nested more than {} deep (does a macro call itself?)", kDeepestRun);
      }
    }
    ~Deeper() { --depth; }
    int& depth;
  };

  Scope* new_scope(Scope* parent) {
    heap_.charge(sizeof(Scope));
    return &scopes_.emplace_back(Scope{parent});
  }
  void set(std::string_view name, const Value& value) {
    for (auto& [known, held] : scope_->names)
      if (known == name) return static_cast<void>(held = value);
    scope_->names.emplace_back(name, value);
  }
  Value look_up(const std::string& name) const {
    for (const Scope* scope = scope_; scope; scope = scope->parent)
      for (const auto& [known, value] : scope->names)
        if (known == name) return value;
    const auto found = std::find(kFunctions.begin(), kFunctions.end(), name);
    return found != kFunctions.end() ? Value::of(&*found, Type::function) : Value::of(&name, Type::undefined);
  }

  void print(std::string_view text) {
    output_ += text;
    printed_ += static_cast<int64_t>(text.size());
    if (printed_ > heap_.limits().output)
      wrong("printed more than {} bytes, which is the limit (does it loop?)", heap_.limits().output);
  }
  // What `body` prints, as a text.
  Value captured(const Body& body) {
    std::string before = std::exchange(output_, {});
    execute(body);
    return heap_.text(std::exchange(output_, std::move(before)));
  }

  // Statements.
  Flow execute(const Body& body) {
    const Deeper deeper(depth_);
    for (const Stmt& stmt : body) {
      line_ = stmt.line;
      heap_.step();
      if (const Flow flow = execute(stmt); flow != Flow::on) return flow;
    }
    return Flow::on;
  }
  Flow execute(const Stmt& stmt) {
    switch (stmt.kind) {
      case StmtKind::data:
        print(stmt.text);
        return Flow::on;
      case StmtKind::output:
        print(text_of(evaluate(*stmt.expr), heap_));
        return Flow::on;
      case StmtKind::branch:
        for (const Branch& branch : stmt.branches)
          if (!branch.condition || truth(evaluate(*branch.condition))) return execute(branch.body);
        return Flow::on;
      case StmtKind::loop:
        loop(stmt);
        return Flow::on;
      case StmtKind::set:
        assign(stmt.targets, evaluate(*stmt.expr));
        return Flow::on;
      case StmtKind::set_block:
        set(stmt.targets[0], captured(stmt.body));
        return Flow::on;
      case StmtKind::set_field:
        set_field(stmt);
        return Flow::on;
      case StmtKind::macro:
        heap_.charge(sizeof(Closure));
        set(stmt.macro->name, Value::of(&closures_.emplace_back(Closure{stmt.macro, scope_})));
        return Flow::on;
      case StmtKind::stop:
        return Flow::stop;
      case StmtKind::next:
        return Flow::next;
      case StmtKind::block:
        return execute(stmt.body);
    }
    return Flow::on;
  }

  void assign(const std::vector<std::string>& targets, const Value& value) {
    if (targets.size() == 1) return set(targets[0], value);
    const auto parts = elements(value, heap_);
    if (parts.size() != targets.size()) wrong("{} values cannot be given to {} names", parts.size(), targets.size());
    for (size_t i = 0; i < parts.size(); ++i) set(targets[i], parts[i]);
  }
  void set_field(const Stmt& stmt) {
    const Value space = look_up(stmt.text);
    if (!space.is(Type::space)) wrong("{} is {}, needed: a namespace", shown(stmt.text), type_name(space));
    put(*space.dict, Value::of(&stmt.targets[0]), evaluate(*stmt.expr), heap_);
  }

  void loop(const Stmt& stmt) {
    const Value given = evaluate(*stmt.expr);
    Scope* const outer = scope_;
    scope_ = new_scope(outer);
    Loop& state = heap_.loop();
    state.over = given.is_sequence() && !stmt.condition ? given.list : heap_.list(selected(stmt, given)).list;
    state.depth = ++loops_;
    for (; state.index < static_cast<int64_t>(state.over->items.size()); ++state.index) {
      heap_.step();
      scope_->names.clear();
      set("loop", Value::of(&state));
      assign(stmt.targets, state.over->items[static_cast<size_t>(state.index)]);
      if (execute(stmt.body) == Flow::stop) break;
    }
    --loops_;
    scope_ = outer;
    if (state.over->items.empty()) execute(stmt.otherwise);
  }

  std::vector<Value> selected(const Stmt& stmt, const Value& given) {
    std::vector<Value> all = elements(given, heap_);
    if (!stmt.condition) return all;
    std::vector<Value> kept;
    for (const Value& one : all) {
      assign(stmt.targets, one);
      if (truth(evaluate(*stmt.condition))) kept.push_back(one);
    }
    return kept;
  }

  // Expressions.
  Value evaluate(const Expr& expr) {
    const Deeper deeper(depth_);
    heap_.step();
    line_ = expr.line;
    const auto part = [&](size_t i) { return evaluate(*expr.parts[i]); };
    switch (expr.kind) {
      case ExprKind::literal:
        return expr.literal;
      case ExprKind::name:
        return look_up(expr.text);
      case ExprKind::list:
      case ExprKind::tuple:
        return heap_.list(values(expr, 0), expr.kind == ExprKind::list ? Type::list : Type::tuple);
      case ExprKind::dict: {
        const Value made = heap_.dict();
        for (size_t i = 0; i < expr.parts.size(); i += 2) {
          const Value key = part(i);
          put(*made.dict, key, part(i + 1), heap_);
        }
        return made;
      }
      case ExprKind::negate:
        return arithmetic("-", Value::of(int64_t{0}), part(0), heap_);
      case ExprKind::plus:
        return arithmetic("+", Value::of(int64_t{0}), part(0), heap_);
      case ExprKind::invert:
        return Value::of(!truth(part(0)));
      case ExprKind::binary: {
        const Value left = part(0);
        return arithmetic(expr.text, left, part(1), heap_);
      }
      case ExprKind::compare:
        return compared(expr);
      case ExprKind::both: {
        const Value left = part(0);
        return truth(left) ? part(1) : left;
      }
      case ExprKind::either: {
        const Value left = part(0);
        return truth(left) ? left : part(1);
      }
      case ExprKind::choice:
        if (truth(part(1))) return part(0);
        return expr.parts.size() > 2 ? part(2) : Value();
      case ExprKind::field:
        return field(part(0), expr.text, heap_);
      case ExprKind::item: {
        const Value of = part(0);
        return item(of, part(1), heap_);
      }
      case ExprKind::slice: {
        std::array<Value, 4> parts;
        for (size_t i = 0; i < 4; ++i)
          if (expr.parts[i]) parts[i] = part(i);
        return slice(parts[0], parts[1], parts[2], parts[3], heap_);
      }
      case ExprKind::call: {
        const Value callee = part(0);
        return call(callee, arguments(expr, ""));
      }
      case ExprKind::filter: {
        const Value value = part(0);
        return apply_filter(value, arguments(expr, expr.text), heap_);
      }
      case ExprKind::test: {
        const Value value = part(0);
        return Value::of(apply_test(value, arguments(expr, expr.text), heap_));
      }
    }
    return {};
  }
  std::vector<Value> values(const Expr& expr, size_t from) {
    std::vector<Value> made;
    for (size_t i = from; i < expr.parts.size(); ++i) made.push_back(evaluate(*expr.parts[i]));
    return made;
  }
  Arguments arguments(const Expr& expr, std::string_view name) {
    Arguments made{.name = name, .values = values(expr, 1)};
    for (const auto& [key, value] : expr.named) made.named.emplace_back(key, evaluate(*value));
    return made;
  }
  Value compared(const Expr& expr) {
    Value left = evaluate(*expr.parts[0]);
    for (size_t i = 0; i < expr.operators.size(); ++i) {
      const Value right = evaluate(*expr.parts[i + 1]);
      if (!holds(expr.operators[i], left, right)) return Value::of(false);
      left = right;
    }
    return Value::of(true);
  }
  bool holds(std::string_view sign, const Value& a, const Value& b) {
    if (sign == "==") return equal(a, b, heap_);
    if (sign == "!=") return !equal(a, b, heap_);
    if (sign == "in") return contains(b, a, heap_);
    if (sign == "not in") return !contains(b, a, heap_);
    const int found = order(a, b, heap_);
    return sign == "<" ? found < 0 : sign == "<=" ? found <= 0 : sign == ">" ? found > 0 : found >= 0;
  }

  // Calls.
  Value call(const Value& callee, Arguments arguments) {
    switch (callee.type) {
      case Type::function:
        arguments.name = *callee.text;
        return call_function(arguments);
      case Type::macro:
        return call_macro(*callee.macro, arguments);
      case Type::method:
        arguments.name = callee.method->name;
        return call_method(*callee.method, arguments, heap_);
      case Type::undefined:
        wrong("{} is undefined, needed: a function", undefined_name(callee));
      default:
        wrong("{} cannot be called", type_name(callee));
    }
  }
  Value call_function(const Arguments& a) {
    if (a.name == "range") return range(a);
    if (a.name == "raise_exception") throw Refused{text_of(a.at(0, "message"), heap_)};
    if (a.name == "strftime_now") return heap_.text(formatted_time(need_text(a.need(0, "format"), a.name)));
    const Value made = heap_.dict(a.name == "dict" ? Type::dict : Type::space);
    for (const Value& from : a.values)
      if (from.is(Type::dict))
        for (const auto& [key, value] : from.dict->items) put(*made.dict, key, value, heap_);
    for (const auto& [key, value] : a.named) put(*made.dict, heap_.text(std::string(key)), value, heap_);
    return made;
  }
  Value range(const Arguments& a) {
    const bool has_end = a.values.size() > 1;
    const int64_t from = has_end ? need_integer(a.at(0), a.name) : 0,
                  to = need_integer(a.need(has_end ? 1 : 0), a.name);
    const int64_t step = a.values.size() > 2 ? need_integer(a.at(2), a.name) : 1;
    if (step == 0) wrong("the step of 'range' is 0");
    std::vector<Value> made;
    for (int64_t at = from; step > 0 ? at < to : at > to;) {
      made.push_back(Value::of(at));
      heap_.step();
      if (static_cast<int64_t>(made.size()) > heap_.limits().longest_range)
        wrong("'range' has more than {} elements", heap_.limits().longest_range);
      if (__builtin_add_overflow(at, step, &at)) break;
    }
    return heap_.list(std::move(made));
  }
  std::string formatted_time(const std::string& format) const {
    std::array<char, 512> text;
    const size_t length = std::strftime(text.data(), text.size(), format.c_str(), &now_);
    if (length == 0 && !format.empty()) wrong("'strftime_now' cannot print {} in {} bytes", shown(format), text.size());
    return std::string(text.data(), length);
  }
  Value call_macro(const Closure& closure, const Arguments& a) {
    const Deeper deeper(depth_);
    const Macro& macro = *closure.macro;
    if (a.values.size() > macro.parameters.size())
      wrong("the macro {} takes {} arguments, found {}", shown(macro.name), macro.parameters.size(), a.values.size());
    Scope* const caller = std::exchange(scope_, new_scope(closure.scope));
    const int loops = std::exchange(loops_, 0);
    for (const auto& named : a.named)
      if (std::none_of(macro.parameters.begin(), macro.parameters.end(),
                       [&](const auto& p) { return p.name == named.first; }))
        wrong("the macro {} takes no argument {}", shown(macro.name), shown(named.first));
    for (size_t i = 0; i < macro.parameters.size(); ++i) {
      const Parameter& parameter = macro.parameters[i];
      Value value = a.at(i, parameter.name);
      if (value.is(Type::undefined) && parameter.fallback) value = evaluate(*parameter.fallback);
      set(parameter.name, value);
    }
    const Value made = captured(*macro.body);
    scope_ = caller;
    loops_ = loops;
    return made;
  }

  const std::tm& now_;
  Heap& heap_;
  std::deque<Scope> scopes_;
  std::deque<Closure> closures_;
  Scope* scope_ = nullptr;
  std::string output_;
  int64_t printed_ = 0;
  int depth_ = 0, line_ = 0, loops_ = 0;
};

}  // namespace

std::string run(const Syntax& syntax, const Dict& globals, const std::tm& now, Heap& heap) {
  return Interpreter(globals, now, heap).run(syntax.body);
}

}  // namespace lathe::chat
