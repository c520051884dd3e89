// Holds every #include of src/ against the table in cmake/rooms.cmake, which also drives linking.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/paths.h"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Room → rooms that it may import.
using Table = std::map<std::string, std::set<std::string>, std::less<>>;

/// Reads lines of "room: import import …".
Table readTable(std::istream& in) {
  Table table;
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    auto& imports = table[line.substr(0, colon)];
    std::istringstream names(line.substr(colon + 1));
    for (std::string name; names >> name;) imports.insert(name);
  }
  return table;
}

/// The path in `#include "path"`, or nothing for every other line.
std::optional<std::string_view> quotedInclude(std::string_view line) {
  const auto skipBlanks = [&line] {
    const auto at = line.find_first_not_of(" \t");
    line.remove_prefix(at == std::string_view::npos ? line.size() : at);
  };
  const auto skip = [&line, &skipBlanks](std::string_view word) {
    skipBlanks();
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  };
  if (!skip("#") || !skip("include") || !skip("\"")) return std::nullopt;
  return line.substr(0, line.find('"'));
}

/// One line for each include in `text` that `room` may not have; `file` names it in the message.
std::vector<std::string> violations(const Table& table, const std::string& room,
                                    const std::string& file, std::istream& text) {
  std::vector<std::string> found;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const auto path = quotedInclude(line);
    if (!path) continue;
    const auto slash = path->find('/');
    const std::string imported(path->substr(0, slash));
    if (slash == std::string_view::npos) {
      found.push_back(fmt::format("{}:{}: \"{}\" does not name its room; write \"{}/{}\"", file,
                                  number, *path, room, *path));
    } else if (imported == room) {
      continue;
    } else if (imported == "cmd") {
      found.push_back(fmt::format("{}:{}: nothing may include cmd", file, number));
    } else if (!table.contains(imported)) {
      found.push_back(
          fmt::format("{}:{}: \"{}\" is in no room of rooms.cmake", file, number, *path));
    } else if (room != "cmd" && !(table.contains(room) && table.at(room).contains(imported))) {
      found.push_back(fmt::format("{}:{}: {} may not import {}: see cmake/rooms.cmake", file,
                                  number, room, imported));
    }
  }
  return found;
}

std::vector<std::string> check(const Table& table, const std::string& room,
                               const std::string& text) {
  std::istringstream stream(text);
  return violations(table, room, "made/up.cc", stream);
}

Table builtTable() {
  std::ifstream file(std::filesystem::path{REDLINE_BINARY_DIR} / "rooms.txt");
  return readTable(file);
}

TEST(Rooms, ImportOnlyWhatTheirTableAllows) {
  const Table table = builtTable();
  ASSERT_TRUE(table.contains("base")) << "rooms.txt is missing or empty: configure again";
  const std::filesystem::path source = std::filesystem::path{REDLINE_SOURCE_DIR} / "src";
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") continue;
    const auto relative = std::filesystem::relative(entry.path(), source);
    std::ifstream text(entry.path());
    ++files;
    for (const auto& violation :
         violations(table, relative.begin()->string(), "src/" + relative.string(), text))
      ADD_FAILURE() << violation;
  }
  EXPECT_GT(files, 10) << "the walk found hardly any source under " << source;
}

TEST(Rooms, BaseStandsOnNothing) {
  const Table table = builtTable();
  ASSERT_TRUE(table.contains("base"));
  EXPECT_THAT(table.at("base"), IsEmpty());
}

TEST(Rooms, HaveNoCycle) {
  // A room that imports only rooms already settled is settled; a cycle never is.
  Table open = builtTable();
  const Table all = open;
  std::set<std::string> settled;
  for (bool moved = true; moved;) {
    moved = false;
    for (auto room = open.begin(); room != open.end();) {
      bool ready = true;
      for (const auto& import : room->second)
        ready = ready && (settled.contains(import) || !all.contains(import));
      if (ready) {
        settled.insert(room->first);
        room = open.erase(room);
        moved = true;
      } else {
        ++room;
      }
    }
  }
  EXPECT_THAT(open, IsEmpty());
}

TEST(Checker, NamesFileLineAndBothRoomsOfAViolation) {
  const Table table{{"base", {}}, {"resp", {"base"}}, {"server", {"base", "resp"}}};
  EXPECT_THAT(check(table, "resp", "#pragma once\n\n#include \"server/stack.h\"\n"),
              ElementsAre("made/up.cc:3: resp may not import server: see cmake/rooms.cmake"));
  EXPECT_THAT(check(table, "base", "#include \"resp/reply.h\""),
              ElementsAre(HasSubstr("made/up.cc:1: base may not import resp")));
  EXPECT_THAT(check(table, "base", "  #  include \"resp/reply.h\""), testing::SizeIs(1));
}

TEST(Checker, RefusesUnknownRoomsBareNamesAndCmd) {
  const Table table{{"base", {}}, {"resp", {"base"}}};
  EXPECT_THAT(check(table, "resp", "#include \"nowhere/x.h\""), ElementsAre(HasSubstr("no room")));
  EXPECT_THAT(check(table, "resp", "#include \"reply.h\""),
              ElementsAre(HasSubstr("\"resp/reply.h\"")));
  EXPECT_THAT(check(table, "resp", "#include \"cmd/flags.h\""), ElementsAre(HasSubstr("cmd")));
}

TEST(Checker, LetsARoomHaveItselfItsImportsAndTheSystem) {
  const Table table{{"base", {}}, {"resp", {"base"}}};
  EXPECT_THAT(check(table, "resp",
                    "#include <vector>\n#include \"base/units.h\"\n#include \"resp/reply.h\"\n"
                    "// #include \"server/stack.h\"\n"),
              IsEmpty());
  EXPECT_THAT(check(table, "cmd", "#include \"cmd/flags.h\"\n#include \"resp/reply.h\"\n"),
              IsEmpty());
}

}  // namespace
