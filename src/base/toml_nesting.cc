#include "base/toml_nesting.h"

namespace redline {
namespace {

class TomlScan {
 public:
  explicit TomlScan(std::string_view text) : rest_(text) {}

  std::optional<std::size_t> lineTooDeep() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"' || c == '\'') {
        skipString(c);
      } else if (c == '#') {
        while (!rest_.empty() && rest_.front() != '\n') take();
      } else {
        count(c);
        take();
      }
      if (parts_ > kMostTomlNesting || open_ > kMostTomlNesting) return line_;
    }
    return std::nullopt;
  }

 private:
  void take() {
    if (rest_.front() == '\n') ++line_;
    rest_.remove_prefix(1);
  }

  void count(char c) {
    if (c == '.') {
      ++parts_;
    } else if (c == '[' || c == '{') {
      ++open_;
      parts_ = 1;
    } else if (c == ']' || c == '}') {
      if (open_ > 0) --open_;
      parts_ = 1;
    } else if (c == '=' || c == ',' || c == '\n') {
      parts_ = 1;
    }
  }

  /// A string ends at its quote; in one line, at the end of the line, where the parser gives up.
  void skipString(char quote) {
    const char three[] = {quote, quote, quote};
    const std::string_view fence(three, sizeof three);
    const bool lines = rest_.starts_with(fence);
    const std::string_view end = lines ? fence : fence.substr(0, 1);
    rest_.remove_prefix(end.size());
    while (!rest_.empty() && !rest_.starts_with(end)) {
      if (!lines && rest_.front() == '\n') return;
      if (quote == '"' && rest_.front() == '\\') take();
      if (!rest_.empty()) take();
    }
    rest_.remove_prefix(rest_.empty() ? 0 : end.size());
  }

  std::string_view rest_;
  std::size_t line_ = 1;
  std::size_t parts_ = 1;  ///< of the key that is being read
  std::size_t open_ = 0;   ///< brackets and braces
};

}  // namespace

std::optional<std::size_t> lineNestedTooDeep(std::string_view toml) {
  return TomlScan(toml).lineTooDeep();
}

}  // namespace redline
