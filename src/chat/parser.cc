// Recursive descent, precedence by precedence as in Jinja's own parser.
#include <algorithm>

#include "base/shown.h"
#include "chat/budget.h"
#include "chat/lexer.h"
#include "chat/syntax.h"

namespace lathe::chat {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(lex(source)) {}

  Syntax run() {
    syntax_.body = body({});
    return std::move(syntax_);
  }

 private:
  using Names = std::vector<std::string_view>;

  // What is read.
  const Token& now() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is_sign(std::string_view sign) const { return now().kind == TokenKind::sign && now().text == sign; }
  bool is_name(std::string_view name) const { return now().kind == TokenKind::name && now().text == name; }
  bool skip_sign(std::string_view sign) { return is_sign(sign) && (take(), true); }
  bool skip_name(std::string_view name) { return is_name(name) && (take(), true); }

  [[noreturn]] void fail(std::string what) const { throw Wrong{std::move(what), now().line}; }
  [[noreturn]] void unexpected(std::string_view needed) const {
    const Token& token = now();
    const std::string found = token.kind == TokenKind::end ? "the end of the template"
                              : token.kind == TokenKind::tag_end || token.kind == TokenKind::output_end
                                  ? "the end of the tag"
                                  : shown(token.text);
    fail(fmt::format("found {}, needed: {}", found, needed));
  }
  void need_sign(std::string_view sign) {
    if (!skip_sign(sign)) unexpected(fmt::format("'{}'", sign));
  }
  void need_kind(TokenKind kind, std::string_view what) {
    if (now().kind != kind) unexpected(what);
    take();
  }
  std::string need_name() {
    if (now().kind != TokenKind::name) unexpected("a name");
    return take().text;
  }

  struct Deeper {
    explicit Deeper(Parser& parser) : depth(parser.depth_) {
      if (++depth > kDeepest) parser.fail(fmt::format("is nested more than {} deep", kDeepest));
    }
    ~Deeper() { --depth; }
    int& depth;
  };

  // Expressions.
  Expr& make(ExprKind kind, std::vector<const Expr*> parts = {}, std::string text = {}) {
    Expr& made = syntax_.exprs.emplace_back();
    made.kind = kind;
    made.line = now().line;
    made.text = std::move(text);
    for (const Expr* part : parts)
      if (part) made.depth = std::max(made.depth, part->depth + 1);
    made.parts = std::move(parts);
    if (made.depth > kDeepest) fail(fmt::format("is nested more than {} deep", kDeepest));
    return made;
  }
  void add_part(Expr& expr, const Expr* part) {
    expr.parts.push_back(part);
    expr.depth = std::max(expr.depth, part->depth + 1);
    if (expr.depth > kDeepest) fail(fmt::format("is nested more than {} deep", kDeepest));
  }

  const Expr* expression() {
    const Deeper deeper(*this);
    const Expr* what = either();
    while (skip_name("if")) {
      const Expr* condition = either();
      std::vector<const Expr*> parts = {what, condition};
      if (skip_name("else")) parts.push_back(expression());
      what = &make(ExprKind::choice, parts);
    }
    return what;
  }
  // One or, with commas, a tuple of them.
  const Expr* expressions(bool with_choice = true) {
    const auto one = [&] { return with_choice ? expression() : either(); };
    const Expr* first = one();
    if (!is_sign(",")) return first;
    Expr& tuple = make(ExprKind::tuple, {first});
    while (skip_sign(",") && now().kind != TokenKind::tag_end && now().kind != TokenKind::output_end && !is_sign(")"))
      add_part(tuple, one());
    return &tuple;
  }
  const Expr* either() {
    const Expr* left = both();
    while (skip_name("or")) left = &make(ExprKind::either, {left, both()});
    return left;
  }
  const Expr* both() {
    const Expr* left = inverted();
    while (skip_name("and")) left = &make(ExprKind::both, {left, inverted()});
    return left;
  }
  const Expr* inverted() {
    if (!is_name("not")) return comparison();
    const Deeper deeper(*this);
    take();
    return &make(ExprKind::invert, {inverted()});
  }
  const Expr* comparison() {
    const Expr* first = sum();
    Expr* made = nullptr;
    for (;;) {
      std::string sign;
      if (now().kind == TokenKind::sign && is_comparison(now().text))
        sign = take().text;
      else if (is_name("in"))
        sign = take().text;
      else if (is_name("not") && next().kind == TokenKind::name && next().text == "in")
        sign = "not in", take(), take();
      else
        return made ? made : first;
      if (!made) made = &make(ExprKind::compare, {first});
      made->operators.push_back(sign);
      add_part(*made, sum());
    }
  }
  static bool is_comparison(std::string_view sign) {
    return sign == "==" || sign == "!=" || sign == "<" || sign == "<=" || sign == ">" || sign == ">=";
  }
  template <class Operand>
  const Expr* chain(std::initializer_list<std::string_view> signs, Operand operand) {
    const Expr* left = operand();
    for (;;) {
      const auto found = std::find_if(signs.begin(), signs.end(), [&](auto sign) { return is_sign(sign); });
      if (found == signs.end()) return left;
      take();
      left = &make(ExprKind::binary, {left, operand()}, std::string(*found));
    }
  }
  const Expr* sum() {
    return chain({"+", "-"}, [this] { return joined(); });
  }
  const Expr* joined() {
    return chain({"~"}, [this] { return product(); });
  }
  const Expr* product() {
    return chain({"*", "/", "//", "%"}, [this] { return power(); });
  }
  const Expr* power() {
    return chain({"**"}, [this] { return unary(true); });
  }
  const Expr* unary(bool with_filters) {
    const Deeper deeper(*this);
    const Expr* made = nullptr;
    if (skip_sign("-"))
      made = &make(ExprKind::negate, {unary(false)});
    else if (skip_sign("+"))
      made = &make(ExprKind::plus, {unary(false)});
    else
      made = primary();
    made = postfix(made);
    return with_filters ? filters(made) : made;
  }

  const Expr* literal(Value value) {
    Expr& made = make(ExprKind::literal);
    made.literal = value;
    return &made;
  }
  const Expr* primary() {
    const Token token = now();
    switch (token.kind) {
      case TokenKind::name:
        take();
        if (token.text == "true" || token.text == "True") return literal(Value::of(true));
        if (token.text == "false" || token.text == "False") return literal(Value::of(false));
        if (token.text == "none" || token.text == "None") return literal(Value::none());
        return &make(ExprKind::name, {}, token.text);
      case TokenKind::text: {
        Expr& made = make(ExprKind::literal);
        while (now().kind == TokenKind::text) made.text += take().text;
        made.literal = Value::of(&made.text);
        return &made;
      }
      case TokenKind::integer:
        take();
        return literal(Value::of(token.integer));
      case TokenKind::real:
        take();
        return literal(Value::of(token.real));
      default:
        if (skip_sign("(")) return parenthesis();
        if (skip_sign("[")) return list();
        if (skip_sign("{")) return dict();
        unexpected("an expression");
    }
  }
  const Expr* parenthesis() {
    if (skip_sign(")")) return &make(ExprKind::tuple);
    const Expr* made = expressions();
    need_sign(")");
    return made;
  }
  const Expr* list() {
    Expr& made = make(ExprKind::list);
    while (!skip_sign("]")) {
      add_part(made, expression());
      if (!is_sign("]")) need_sign(",");
    }
    return &made;
  }
  const Expr* dict() {
    Expr& made = make(ExprKind::dict);
    while (!skip_sign("}")) {
      add_part(made, expression());
      need_sign(":");
      add_part(made, expression());
      if (!is_sign("}")) need_sign(",");
    }
    return &made;
  }

  const Expr* postfix(const Expr* made) {
    for (;;) {
      if (skip_sign(".")) {
        if (now().kind == TokenKind::integer)
          made = &make(ExprKind::item, {made, literal(Value::of(take().integer))});
        else
          made = &make(ExprKind::field, {made}, need_name());
      } else if (skip_sign("[")) {
        made = subscript(made);
      } else if (is_sign("(")) {
        Expr& call = make(ExprKind::call, {made});
        arguments(call);
        made = &call;
      } else {
        return made;
      }
    }
  }
  const Expr* subscript(const Expr* of) {
    std::vector<const Expr*> parts = {of};
    bool is_slice = false;
    const Expr* part = nullptr;
    while (!is_sign("]")) {
      if (skip_sign(":")) {
        is_slice = true;
        parts.push_back(part);
        part = nullptr;
      } else if (!part) {
        part = expression();
      } else {
        unexpected("']'");
      }
    }
    parts.push_back(part);
    need_sign("]");
    if (!is_slice && !part) fail("a subscript is empty");
    if (parts.size() > 4) fail("a slice has more than three parts");
    if (is_slice) parts.resize(4);
    return &make(is_slice ? ExprKind::slice : ExprKind::item, parts);
  }
  void arguments(Expr& call) {
    need_sign("(");
    while (!skip_sign(")")) {
      if (is_sign("*") || is_sign("**")) fail("arguments by '*' are not supported");
      if (now().kind == TokenKind::name && next().kind == TokenKind::sign && next().text == "=") {
        const std::string name = take().text;
        take();
        const Expr* value = expression();
        call.named.emplace_back(name, value);
        call.depth = std::max(call.depth, value->depth + 1);
      } else {
        add_part(call, expression());
      }
      if (!is_sign(")")) need_sign(",");
    }
    if (call.depth > kDeepest) fail(fmt::format("is nested more than {} deep", kDeepest));
  }
  const Expr* filters(const Expr* made) {
    for (;;) {
      if (skip_sign("|")) {
        Expr& filter = make(ExprKind::filter, {made}, need_name());
        if (is_sign("(")) arguments(filter);
        made = &filter;
      } else if (skip_name("is")) {
        made = test(made);
      } else if (is_sign("(")) {
        made = postfix(made);
      } else {
        return made;
      }
    }
  }
  const Expr* test(const Expr* of) {
    const bool inverted = skip_name("not");
    Expr& made = make(ExprKind::test, {of}, need_name());
    const TokenKind kind = now().kind;
    const bool is_operand = kind == TokenKind::name || kind == TokenKind::text || kind == TokenKind::integer ||
                            kind == TokenKind::real || is_sign("[") || is_sign("{");
    const Names others = {"else", "or", "and", "is", "in", "not", "if"};
    const bool is_other =
        kind == TokenKind::name && std::find(others.begin(), others.end(), now().text) != others.end();
    if (is_sign("("))
      arguments(made);
    else if (is_operand && !is_other)
      add_part(made, postfix(primary()));
    return inverted ? &make(ExprKind::invert, {&made}) : &made;
  }

  // Statements.
  Body body(const Names& ends) {
    const Deeper deeper(*this);
    Body made;
    for (;;) {
      const Token token = now();
      if (token.kind == TokenKind::data) {
        take();
        made.push_back({.kind = StmtKind::data, .line = token.line, .text = token.text});
      } else if (token.kind == TokenKind::output_begin) {
        take();
        made.push_back({.kind = StmtKind::output, .line = token.line, .expr = expressions()});
        need_kind(TokenKind::output_end, "'}}'");
      } else if (token.kind == TokenKind::tag_begin) {
        if (next().kind == TokenKind::name && std::find(ends.begin(), ends.end(), next().text) != ends.end())
          return made;
        take();
        made.push_back(statement(token.line));
      } else {
        if (!ends.empty()) fail(fmt::format("the template ends, needed: '{}'", ends.back()));
        return made;
      }
    }
  }
  void end_tag() { need_kind(TokenKind::tag_end, "'%}'"); }
  // "{% endfor %}", where body() stopped.
  void closing() {
    take();
    take();
    end_tag();
  }

  Stmt statement(int line) {
    const std::string name = need_name();
    Stmt made;
    if (name == "if")
      made = branch();
    else if (name == "for")
      made = loop();
    else if (name == "set")
      made = set();
    else if (name == "macro")
      made = macro();
    else if (name == "generation")  // marks what a trained model wrote; transformers looks at it, we need not
      made = block("endgeneration");
    else if (name == "break" || name == "continue")
      made = jump(name);
    else
      fail(fmt::format("the tag {} is not supported here", shown(name)));
    made.line = line;
    return made;
  }
  Stmt jump(std::string_view name) {
    if (loops_ == 0) fail(fmt::format("'{}' stands outside a loop", name));
    end_tag();
    return {.kind = name == "break" ? StmtKind::stop : StmtKind::next};
  }
  Stmt block(std::string_view end) {
    end_tag();
    Stmt made{.kind = StmtKind::block};
    made.body = body({end});
    closing();
    return made;
  }
  Stmt branch() {
    Stmt made{.kind = StmtKind::branch};
    const Expr* condition = expressions();
    for (bool open = true; open;) {
      end_tag();
      made.branches.push_back({condition, body(condition ? Names{"elif", "else", "endif"} : Names{"endif"})});
      take();
      const std::string end = take().text;
      condition = end == "elif" ? expressions() : nullptr;
      open = end != "endif";
    }
    end_tag();
    return made;
  }
  std::vector<std::string> targets() {
    const bool in_parenthesis = skip_sign("(");
    std::vector<std::string> names = {need_name()};
    while (skip_sign(",")) names.push_back(need_name());
    if (in_parenthesis) need_sign(")");
    return names;
  }
  Stmt loop() {
    Stmt made{.kind = StmtKind::loop};
    made.targets = targets();
    if (!skip_name("in")) unexpected("'in'");
    made.expr = expressions(false);
    if (skip_name("if")) made.condition = expression();
    if (is_name("recursive")) fail("recursive loops are not supported");
    end_tag();
    ++loops_;
    made.body = body({"else", "endfor"});
    --loops_;
    take();
    if (take().text == "else") {
      end_tag();
      made.otherwise = body({"endfor"});
      return closing(), made;
    }
    return end_tag(), made;
  }
  Stmt set() {
    Stmt made{.kind = StmtKind::set};
    made.targets = targets();
    if (made.targets.size() == 1 && skip_sign(".")) {
      made.kind = StmtKind::set_field;
      made.text = std::exchange(made.targets[0], need_name());
    }
    if (skip_sign("=")) {
      made.expr = expressions();
      return end_tag(), made;
    }
    if (made.kind == StmtKind::set_field || made.targets.size() > 1) unexpected("'='");
    made.kind = StmtKind::set_block;
    end_tag();
    made.body = body({"endset"});
    return closing(), made;
  }
  Stmt macro() {
    Macro& made = syntax_.macros.emplace_back();
    made.name = need_name();
    need_sign("(");
    while (!skip_sign(")")) {
      made.parameters.push_back({need_name()});
      if (skip_sign("=")) made.parameters.back().fallback = expression();
      if (!is_sign(")")) need_sign(",");
    }
    end_tag();
    const int loops = std::exchange(loops_, 0);
    made.body = &syntax_.macro_bodies.emplace_back(body({"endmacro"}));
    loops_ = loops;
    closing();
    return {.kind = StmtKind::macro, .macro = &made};
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0, loops_ = 0;
  Syntax syntax_;
};

}  // namespace

Syntax parse(std::string_view source) { return Parser(source).run(); }

}  // namespace lathe::chat
