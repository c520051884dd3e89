#include "lab/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/shell.h"
#include "base/text.h"

namespace redline {
namespace {

// Plain to shellLine(), and then made a variable.
constexpr std::string_view kAddressMark = "@ADDR@";
constexpr std::string_view kSocketMark = "@SOCKET@";

/// Not plain: the word that it stands in is quoted, and nodeWords() ends the quotes around itself.
std::string nodeMark(std::size_t node) {
  return fmt::format("@NODE {}@", node);
}
std::string nodeWords(std::size_t node) {
  return fmt::format("'\"$(echo $ADDR | cut -d, -f{})\"'", node + 1);
}
/// Nodes that a line for people may name.
constexpr std::size_t kNodes = 6;

std::string_view withoutDashes(std::string_view flag) {
  flag.remove_prefix(std::min(flag.find_first_not_of('-'), flag.size()));
  return flag;
}

std::string line(std::vector<std::string> words, const Flags& flags) {
  words.insert(words.end(), flags.begin(), flags.end());
  std::string text = shellLine(words);
  replaceAll(text, kAddressMark, "$ADDR");
  replaceAll(text, kSocketMark, "unix:$SOCKET");
  for (std::size_t i = 0; i < kNodes; ++i) replaceAll(text, nodeMark(i), nodeWords(i));
  return text;
}

}  // namespace

bool hasFlag(const Flags& flags, std::string_view name) {
  return std::ranges::any_of(flags, [&](std::string_view flag) {
    if (!flag.starts_with('-')) return false;
    flag = withoutDashes(flag);
    return flag.substr(0, flag.find('=')) == name;
  });
}

Flags filled(const Flags& flags, const FlagPlaces& places) {
  const bool pinned = !places.cpus.server.empty() && !places.cpus.generator.empty();
  const std::string both =
      pinned ? fmt::format("{},{}", places.cpus.server, places.cpus.generator) : std::string{};
  const std::array<std::pair<std::string_view, const std::string*>, 5> all{
      {{"{addr}", &places.addr},
       {"{unix}", &places.unixAddr},
       {"{server-cpu}", &places.cpus.server},
       {"{generator-cpu}", &places.cpus.generator},
       {"{all-cpus}", &both}}};
  Flags result;
  for (std::string flag : flags) {
    bool falls = false;
    for (const auto& [place, value] : all) {
      falls = falls || (value->empty() && flag.find(place) != std::string::npos);
      replaceAll(flag, place, *value);
    }
    for (std::size_t i = 0; i < places.nodes.size(); ++i)
      replaceAll(flag, fmt::format("{{node-{}}}", i), places.nodes[i]);
    if (!falls) result.push_back(std::move(flag));
  }
  return result;
}

Flags stackFlags(const Flags& up) {
  Flags flags = up;
  if (!hasFlag(flags, "server-cpus") && !hasFlag(flags, "master-cpus"))
    flags.push_back("-server-cpus={server-cpu}");
  // Beside the generator: the servers' core is what is measured.
  if (hasFlag(flags, "backing") && !hasFlag(flags, "postgres-cpus"))
    flags.push_back("-postgres-cpus={generator-cpu}");
  return flags;
}

Flags clientFlags(const Flags& given) {
  Flags flags;
  if (!hasFlag(given, "addr")) flags.push_back("-addr={addr}");
  flags.insert(flags.end(), given.begin(), given.end());
  if (!hasFlag(given, "cpus")) flags.push_back("-cpus={generator-cpu}");
  return flags;
}

FlagPlaces placesForPeople(const LabCpus& cpus) {
  FlagPlaces places{std::string(kAddressMark), std::string(kSocketMark), cpus};
  for (std::size_t i = 0; i < kNodes; ++i) places.nodes.push_back(nodeMark(i));
  return places;
}

std::string stackCommand(const Flags& filledUp) {
  return fmt::format("ADDR=$({} | paste -sd,)", line({"redline", "stack", "up"}, [&] {
                       Flags flags = filledUp;
                       for (const char* const each : {"-name=lab", "-port=0", "-format=addr"})
                         flags.emplace_back(each);
                       return flags;
                     }()));
}

std::string loaderCommand(const Flags& filledLoad) {
  return line({"redline", "loader"}, filledLoad);
}

std::string driverCommand(const Flags& filledDrive) {
  return line({"redline", "driver"}, filledDrive);
}

}  // namespace redline
