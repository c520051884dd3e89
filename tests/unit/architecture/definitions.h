#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redline::test {

/// A type, function, variable or alias at namespace scope.
struct Definition {
  std::string name;  ///< "redline::Rng", "redline::trim(std::string_view)"
  int line = 0;
  bool internal = false;  ///< no other file sees it: unnamed namespace, `static`, constant, alias
  std::string alias;      ///< of an alias: what it stands for
};

/// The definitions in one file's text; what is nested in a type or a function is skipped. A reading
/// of tokens, not a compiler: it knows the C++ that this project writes.
std::vector<Definition> definitionsIn(std::string_view text);

}  // namespace redline::test
