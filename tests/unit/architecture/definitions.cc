#include "unit/architecture/definitions.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <set>
#include <span>

namespace redline::test {
namespace {

struct Token {
  std::string text;  ///< a name, a number, one punctuation mark or "::"; a literal's is "\""
  int line = 0;
  bool isName() const {
    return std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '_';
  }
};
using Tokens = std::span<const Token>;

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> tokens() {
    while (at_ < text_.size()) step();
    return std::move(found_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '\n') return newLine();
    if (std::isspace(static_cast<unsigned char>(c))) return skip(1);
    if (c == '#' && lineIsBlank_) return skipDirective();
    lineIsBlank_ = false;
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("//")) return skip(std::min(rest.find('\n'), rest.size()));
    if (rest.starts_with("/*")) return skip(std::min(rest.find("*/"), rest.size() - 2) + 2);
    if (rest.starts_with("R\"")) return add("\"", rawLength(rest));
    if (c == '"' || c == '\'') return add("\"", quotedLength(rest));
    if (rest.starts_with("::")) return add("::", 2);
    const auto word = std::ranges::find_if_not(rest, [](char each) {
      return std::isalnum(static_cast<unsigned char>(each)) || each == '_';
    });
    std::size_t length = std::max<std::size_t>(1, static_cast<std::size_t>(word - rest.begin()));
    if (std::isdigit(static_cast<unsigned char>(c)))  // 10'000 is one number, not a character
      length = std::min(rest.find_first_not_of("0123456789abcdefABCDEFxXuUlL.'"), rest.size());
    add(rest.substr(0, length), length);
  }

  static std::size_t rawLength(std::string_view rest) {
    const auto open = rest.find('(');
    const std::string close = ")" + std::string(rest.substr(2, open - 2)) + "\"";
    return std::min(rest.find(close, open), rest.size() - close.size()) + close.size();
  }
  static std::size_t quotedLength(std::string_view rest) {
    std::size_t i = 1;
    while (i < rest.size() && rest[i] != rest[0]) i += rest[i] == '\\' ? 2U : 1U;
    return std::min(i + 1, rest.size());
  }
  void skipDirective() {
    while (at_ < text_.size() && text_[at_] != '\n')
      skip(text_.substr(at_).starts_with("\\\n") ? 2 : 1);
  }
  void newLine() {
    skip(1);
    lineIsBlank_ = true;
  }
  void add(std::string_view text, std::size_t length) {
    found_.push_back({std::string(text), line_});
    skip(length);
  }
  void skip(std::size_t length) {
    const std::string_view gone = text_.substr(at_, length);
    line_ += static_cast<int>(std::ranges::count(gone, '\n'));
    at_ += length;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool lineIsBlank_ = true;
  std::vector<Token> found_;
};

bool isOneOf(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}
bool opens(const Token& token) {
  return token.text == "(" || token.text == "[" || token.text == "{" || token.text == "<";
}
bool closes(const Token& token) {
  return token.text == ")" || token.text == "]" || token.text == "}" || token.text == ">";
}

/// The first of `words` outside all brackets, from `from` on; the number of tokens without one.
std::size_t findOutside(Tokens tokens, std::span<const std::string_view> words,
                        std::size_t from = 0) {
  int depth = 0;
  for (std::size_t i = from; i < tokens.size(); ++i) {
    if (depth == 0 && isOneOf(tokens[i].text, words)) return i;
    if (opens(tokens[i])) ++depth;
    if (closes(tokens[i])) --depth;
  }
  return tokens.size();
}
std::size_t findOutside(Tokens tokens, std::string_view word, std::size_t from = 0) {
  return findOutside(tokens, std::array{word}, from);
}

std::string join(Tokens tokens) {
  std::string text;
  for (const Token& token : tokens) {
    const bool needsSpace =
        !text.empty() && token.isName() && std::isalnum(static_cast<unsigned char>(text.back()));
    text += (needsSpace ? " " : "") + token.text;
  }
  return text;
}

/// A parameter's type: without its default and without its name.
std::string typeOf(Tokens parameter) {
  constexpr std::array<std::string_view, 12> kNoNames{"const",    "int",   "char", "bool",
                                                      "double",   "float", "long", "short",
                                                      "unsigned", "auto",  "void", "&"};
  parameter = parameter.first(findOutside(parameter, "="));
  const bool isNamed = parameter.size() > 1 && parameter.back().isName() &&
                       !isOneOf(parameter.back().text, kNoNames) &&
                       parameter[parameter.size() - 2].text != "::" &&
                       !(parameter.size() == 2 && parameter[0].text == "const");
  return join(isNamed ? parameter.first(parameter.size() - 1) : parameter);
}

/// "(int,std::string_view)" of the list that opens at `open`.
std::string parametersOf(Tokens tokens, std::size_t open) {
  std::string text = "(";
  Tokens rest = tokens.subspan(open + 1);
  rest = rest.first(findOutside(rest, ")"));
  while (!rest.empty()) {
    const std::size_t comma = findOutside(rest, ",");
    text += typeOf(rest.first(comma));
    if (comma < rest.size()) text += ",";
    rest = rest.subspan(std::min(comma + 1, rest.size()));
  }
  return text + ")";
}

/// Where the possibly qualified name that ends before `end` begins.
std::size_t beginOfName(Tokens tokens, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && (tokens[begin - 1].isName() || tokens[begin - 1].text == "::")) {
    const bool isNextWord =
        begin < end && tokens[begin].text != "::" && tokens[begin - 1].text != "::";
    if (isNextWord) break;
    --begin;
  }
  return begin;
}

constexpr std::string_view kUnnamed = "{}";

class Scanner {
 public:
  explicit Scanner(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  std::vector<Definition> definitions() {
    while (at_ < tokens_.size()) step();
    return std::move(found_);
  }

 private:
  void step() {
    const std::string& text = tokens_[at_].text;
    if (text == ";") {
      endOfDeclaration(at_++);
    } else if (text == "}") {
      if (!scopes_.empty()) scopes_.pop_back();
      begin_ = ++at_;
    } else if (text == "{") {
      openBrace();
    } else if (text == "(") {
      skipBlock("(", ")");  // default arguments may have braces
    } else {
      ++at_;
    }
  }

  void openBrace() {
    const Tokens head = declaration(at_);
    const std::size_t space = findOutside(head, "namespace");
    if (space < head.size()) return openNamespace(head.subspan(space + 1));
    if (!head.empty() && head[0].text == "extern" && head.size() == 2) return openNamespace({});
    skipBlock();
    // int a{1}; T::T() : a_{1}, b_(2) {}: the declaration continues behind the brace.
    if (at_ < tokens_.size() && (tokens_[at_].text == "," || tokens_[at_].text == "{")) return;
    addDefinition(head);
    if (at_ < tokens_.size() && tokens_[at_].text != ";" && isType(head))
      while (at_ < tokens_.size() && tokens_[at_].text != ";") ++at_;
    begin_ = at_;
  }

  void openNamespace(Tokens name) {
    if (name.empty() && declaration(at_).back().text == "namespace")
      scopes_.emplace_back(kUnnamed);
    else
      scopes_.push_back(join(name));
    begin_ = ++at_;
  }

  void skipBlock(std::string_view open = "{", std::string_view close = "}") {
    int depth = 0;
    do {
      if (tokens_[at_].text == open) ++depth;
      if (tokens_[at_].text == close) --depth;
      ++at_;
    } while (depth > 0 && at_ < tokens_.size());
  }

  void endOfDeclaration(std::size_t end) {
    const Tokens head = declaration(end);
    if (head.size() > 3 && head[0].text == "using" && head[2].text == "=")
      add(head[1].text, head[1].line, true, join(head.subspan(3)));
    constexpr std::array<std::string_view, 5> kNoVariables{"using", "typedef", "extern", "operator",
                                                           "namespace"};
    const bool isDefaulted =
        !head.empty() && (head.back().text == "default" || head.back().text == "delete");
    if (!head.empty() && !isDefaulted && findOutside(head, "=") < head.size() &&
        findOutside(head, kNoVariables) == head.size())
      addVariable(head);
    begin_ = end + 1;
  }

  Tokens declaration(std::size_t end) const {
    return Tokens(tokens_).subspan(begin_, end - begin_);
  }

  static std::size_t classKey(Tokens head) {
    constexpr std::array<std::string_view, 4> kKeys{"struct", "class", "union", "enum"};
    return findOutside(head, kKeys);
  }
  static bool isType(Tokens head) {
    return classKey(head) < std::min(findOutside(head, "("), findOutside(head, "="));
  }

  void addDefinition(Tokens head) {
    if (head.empty()) return;
    if (isType(head)) return addType(head.subspan(classKey(head) + 1));
    const std::size_t open = findOutside(head, "(");
    const bool isOperator = findOutside(head, "operator") < head.size();
    if (open > 0 && open < head.size() && (isOperator || open < findOutside(head, "=")))
      return addFunction(head, open);
    addVariable(head);
  }

  void addType(Tokens head) {
    while (!head.empty() && (head[0].text == "class" || head[0].text == "struct"))
      head = head.subspan(1);
    head = head.first(std::min(findOutside(head, ":"), findOutside(head, "final")));
    if (!head.empty()) add(join(head), head[0].line);
  }

  void addFunction(Tokens head, std::size_t open) {
    std::size_t begin = beginOfName(head, open);
    const auto word = std::ranges::find(head.first(open + 1), "operator", &Token::text);
    if (word != head.begin() + static_cast<std::ptrdiff_t>(open) + 1) {
      const auto position = static_cast<std::size_t>(word - head.begin());
      if (position + 1 == open) open = findOutside(head, "(", open + 2);  // operator()
      begin = beginOfName(head, position + 1);
    }
    if (open < head.size() && begin < open)
      add(join(head.subspan(begin, open - begin)) + parametersOf(head, open), head[begin].line,
          findOutside(head, "static") < head.size());
  }

  void addVariable(Tokens head) {
    constexpr std::array<std::string_view, 3> kEnds{"=", "[", "{"};
    const auto has = [head](std::string_view word) {
      return findOutside(head, word) < head.size();
    };
    const bool isConstant = has("constexpr") || (has("const") && !has("*"));
    const bool internal = has("static") || (isConstant && !has("inline"));
    const std::size_t end = findOutside(head, kEnds);
    const std::size_t begin = beginOfName(head, end);
    if (begin > 0 && begin < end)
      add(join(head.subspan(begin, end - begin)), head[begin].line, internal);
  }

  void add(const std::string& name, int line, bool internal = false, std::string alias = {}) {
    std::string qualified;
    for (const std::string& scope : scopes_) {
      if (scope == kUnnamed)
        internal = true;
      else if (!scope.empty())
        qualified += scope + "::";
    }
    found_.push_back({qualified + name, line, internal, std::move(alias)});
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  ///< of the declaration being read
  std::vector<std::string> scopes_;
  std::vector<Definition> found_;
};

}  // namespace

std::vector<Definition> definitionsIn(std::string_view text) {
  return Scanner(Lexer(text).tokens()).definitions();
}

}  // namespace redline::test
