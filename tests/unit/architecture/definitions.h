#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redline::test {

/// Something at namespace scope that a program may define in one file only: a type, a function or a
/// variable with external linkage.
struct Definition {
  std::string name;  ///< "redline::Rng", "redline::trim(std::string_view)"
  int line = 0;
};

/// The definitions in one file's text. Skipped: unnamed namespaces, `static`, constants that are
/// not inline, aliases, macros, and whatever is nested in a type or a function. A reading of
/// tokens, not a compiler: it knows the C++ that this project writes.
std::vector<Definition> definitionsIn(std::string_view text);

}  // namespace redline::test
