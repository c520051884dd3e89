// Holds the sources against the one-definition rule. No compiler sees two files at once, and a
// linker takes whichever inline function comes first: two types of one name are undefined behaviour
// that only shows where nothing is inlined. scripts/nightly asks the compiler, too (-flto -Wodr).

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
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

/// Path, relative to the source tree → text.
using Sources = std::map<std::string, std::string>;

/// A definition and where it is.
struct Place {
  std::string file;
  test::Definition what;
};
using Clash = std::function<bool(const Place&, const Place&)>;

/// One line for each pair of files that define the same name, where `clash` says that it matters.
std::vector<std::string> duplicatesIn(const Sources& sources, const Clash& clash) {
  std::map<std::string, std::vector<Place>> places;
  for (const auto& [file, text] : sources)
    for (test::Definition& each : test::definitionsIn(text))
      places[each.name].push_back({file, std::move(each)});
  std::vector<std::string> found;
  for (const auto& [name, all] : places)
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = i + 1; j < all.size(); ++j)
        if (all[i].file != all[j].file && clash(all[i], all[j]))
          found.push_back(fmt::format("{} is defined in {}:{} and in {}:{}", name, all[i].file,
                                      all[i].what.line, all[j].file, all[j].what.line));
  return found;
}

/// What one file is compiled into: "" is every program; tests of one room are a program of their
/// own.
std::string programOf(const fs::path& file) {
  const std::string path = file.generic_string();
  if (!path.starts_with("tests/") || path.starts_with("tests/support/")) return "";
  return file.parent_path().generic_string();
}

/// Both names are in one program, and the linker takes one of them.
bool breaksTheRule(const Place& a, const Place& b) {
  const std::string one = programOf(a.file);
  const std::string two = programOf(b.file);
  return !a.what.internal && !b.what.internal && (one == two || one.empty() || two.empty());
}

/// Names of one room meet, as its sources are compiled several at a time (cmake/unity.cmake); so
/// does what one file has for itself with what a header of another room declares.
bool meetInAUnityBuild(const Place& a, const Place& b) {
  const fs::path one = fs::path(a.file).parent_path();
  const fs::path two = fs::path(b.file).parent_path();
  if (one == two) return a.what.alias.empty() || a.what.alias != b.what.alias;
  return a.what.internal != b.what.internal && a.file.starts_with("src/") &&
         b.file.starts_with("src/");
}

std::vector<std::string> namesIn(std::string_view text) {
  std::vector<std::string> names;
  for (const test::Definition& each : test::definitionsIn(text))
    if (!each.internal) names.push_back(each.name);
  return names;
}

/// All that a build may compile: path → text.
Sources readSources() {
  const fs::path root{REDLINE_SOURCE_DIR};
  Sources sources;
  for (const char* const part : {"src", "tests/support", "tests/unit", "tests/integration"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / part)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      sources[fs::relative(entry.path(), root).generic_string()] = text.str();
    }
  }
  return sources;
}

TEST(OneDefinition, EveryTypeFunctionAndVariableHasOneFile) {
  const Sources sources = readSources();
  EXPECT_GT(sources.size(), 400U);
  for (const std::string& each : duplicatesIn(sources, breaksTheRule)) ADD_FAILURE() << each;
}

TEST(UnityBuild, NoTwoFilesOfARoomUseOneNameForTwoThings) {
  for (const std::string& each : duplicatesIn(readSources(), meetInAUnityBuild))
    ADD_FAILURE() << each << ": give one of them a name of its own";
}

TEST(OneDefinition, TwoTypesOfOneNameAreFoundWithTheirPlaces) {
  EXPECT_THAT(
      duplicatesIn(
          {{"src/record/a.h", "namespace redline {\nstruct Verdict { int a; };\n}"},
           {"src/report/b.h", "namespace redline {\n\nstruct Verdict final : Base {};\n}"}},
          breaksTheRule),
      ElementsAre("redline::Verdict is defined in src/record/a.h:2 and in src/report/b.h:3"));
}

TEST(OneDefinition, ProgramsOfTheirOwnDoNotClash) {
  const std::string text = "struct Rig {};";
  EXPECT_THAT(
      duplicatesIn({{"tests/unit/run/a.cc", text}, {"tests/unit/lab/b.cc", text}}, breaksTheRule),
      IsEmpty());
  EXPECT_THAT(
      duplicatesIn({{"tests/unit/run/a.cc", text}, {"tests/unit/run/b.cc", text}}, breaksTheRule),
      testing::SizeIs(1));
  EXPECT_THAT(duplicatesIn({{"src/run/a.cc", text}, {"tests/unit/run/b.cc", text}}, breaksTheRule),
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
