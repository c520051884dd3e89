// Holds the sources against the one-definition rule. No compiler sees two files at once, and a
// linker takes whichever inline function comes first: two types of one name are undefined behaviour
// that only shows where nothing is inlined. scripts/nightly asks the compiler, too (-flto -Wodr).

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/paths.h"
#include "unit/architecture/definitions.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// What one file is compiled into: "" is every program; tests of one room are a program of their
/// own.
std::string programOf(const fs::path& file) {
  const std::string path = file.generic_string();
  if (!path.starts_with("tests/") || path.starts_with("tests/support/")) return "";
  return file.parent_path().generic_string();
}

/// Path, relative to the source tree → text.
using Sources = std::map<std::string, std::string>;

/// One line for each name that two files of one program define.
std::vector<std::string> duplicatesIn(const Sources& sources) {
  struct Place {
    std::string file;
    int line;
  };
  std::map<std::string, std::vector<Place>> places;
  for (const auto& [file, text] : sources)
    for (const test::Definition& each : test::definitionsIn(text))
      places[each.name].push_back({file, each.line});
  std::vector<std::string> found;
  for (const auto& [name, all] : places) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = i + 1; j < all.size(); ++j) {
        const std::string one = programOf(all[i].file);
        const std::string two = programOf(all[j].file);
        if (all[i].file == all[j].file || (one != two && !one.empty() && !two.empty())) continue;
        found.push_back(fmt::format("{} is defined in {}:{} and in {}:{}", name, all[i].file,
                                    all[i].line, all[j].file, all[j].line));
      }
    }
  }
  return found;
}

std::vector<std::string> namesIn(std::string_view text) {
  std::vector<std::string> names;
  for (const test::Definition& each : test::definitionsIn(text)) names.push_back(each.name);
  return names;
}

TEST(OneDefinition, EveryTypeFunctionAndVariableHasOneFile) {
  const fs::path root{REDLINE_SOURCE_DIR};
  Sources sources;
  std::size_t definitions = 0;
  for (const char* const part : {"src", "tests/support", "tests/unit", "tests/integration"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / part)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      definitions += test::definitionsIn(text.str()).size();
      sources[fs::relative(entry.path(), root).generic_string()] = text.str();
    }
  }
  EXPECT_GT(definitions, 1'000U) << "hardly anything was recognised under " << root;
  for (const std::string& duplicate : duplicatesIn(sources)) ADD_FAILURE() << duplicate;
}

TEST(OneDefinition, TwoTypesOfOneNameAreFoundWithTheirPlaces) {
  EXPECT_THAT(
      duplicatesIn(
          {{"src/record/a.h", "namespace redline {\nstruct Verdict { int a; };\n}"},
           {"src/report/b.h", "namespace redline {\n\nstruct Verdict final : Base {};\n}"}}),
      ElementsAre("redline::Verdict is defined in src/record/a.h:2 and in src/report/b.h:3"));
}

TEST(OneDefinition, ProgramsOfTheirOwnDoNotClash) {
  const std::string text = "struct Rig {};";
  EXPECT_THAT(duplicatesIn({{"tests/unit/run/a.cc", text}, {"tests/unit/lab/b.cc", text}}),
              IsEmpty());
  EXPECT_THAT(duplicatesIn({{"tests/unit/run/a.cc", text}, {"tests/unit/run/b.cc", text}}),
              testing::SizeIs(1));
  EXPECT_THAT(duplicatesIn({{"src/run/a.cc", text}, {"tests/unit/run/b.cc", text}}),
              testing::SizeIs(1));
}

TEST(OneDefinition, RecognisesTypes) {
  EXPECT_THAT(
      namesIn("namespace a::b { enum class E : int { x }; template <class T> struct S<T*> {}; }"
              "union U { struct In {}; } u; struct Declared; class [[nodiscard]] C {};"),
      ElementsAre("a::b::E", "a::b::S<T*>", "U", "[[nodiscard]]C"));
}

TEST(OneDefinition, RecognisesFunctionsByTheTypesOfTheirParameters) {
  EXPECT_THAT(
      namesIn("int f(const std::string& name, const Map& map = {}, int n = g(1, 2)) { return 1; }"
              "int f(const std::string&, int) { return 1; }"
              "T::T(int a) : a_{a}, b_(a) { x(); } bool operator==(A a, B b) { return 1; }"
              "std::vector<int> T::get(std::map<int, char> m) const noexcept { if (1) {} }"
              "void g(); void h() = delete;"),
      ElementsAre("f(const std::string&,const Map&,int)", "f(const std::string&,int)", "T::T(int)",
                  "operator==(A,B)", "T::get(std::map<int,char>)"));
}

TEST(OneDefinition, RecognisesVariables) {
  EXPECT_THAT(
      namesIn("inline constexpr int kA = 1'000; int counter = 0; std::atomic<int> flag{0};"
              "constexpr int kOwn = 1; static int own = 2; using A = int; extern int other;"),
      ElementsAre("kA", "counter", "flag"));
}

TEST(OneDefinition, LeavesOutWhatHasInternalLinkageOrIsText) {
  EXPECT_THAT(namesIn("namespace { struct Own {}; int f() { return 0; } }"
                      "static int g() { return 0; }\n"
                      "// struct A {};\n/* struct B {}; */\n#define C \\\n  struct D {};\n"
                      "const char* text = \"struct E {};\"; auto raw = R\"(struct F {};)\";"),
              ElementsAre("text", "raw"));
}

}  // namespace
}  // namespace redline
