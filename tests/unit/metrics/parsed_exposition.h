#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace redline::test {

/// The text format 0.0.4 read by the letter, apart from the library that writes it. A line that it
/// does not allow fails the test.
struct ParsedExposition {
  std::map<std::string, std::string> types;  ///< by family
  std::map<std::string, std::string> help;   ///< by family
  std::map<std::string, double> series;      ///< by `name{label="value",…}` as written
  std::map<std::string, std::string> rawValues;

  double at(const std::string& name) const {
    const auto found = series.find(name);
    if (found != series.end()) return found->second;
    ADD_FAILURE() << "no series " << name;
    return std::numeric_limits<double>::quiet_NaN();
  }
  /// The series of a histogram's buckets with these labels, ascending by bound.
  std::map<double, double> buckets(const std::string& name, const std::string& labels) const {
    std::map<double, double> found;
    const std::string prefix = name + "_bucket{" + labels + (labels.empty() ? "" : ",") + "le=\"";
    for (const auto& [key, value] : series)
      if (key.starts_with(prefix)) found[number(key.substr(prefix.size()))] = value;
    return found;
  }

  static double number(const std::string& text) {
    if (text.starts_with("+Inf")) return std::numeric_limits<double>::infinity();
    double value = std::numeric_limits<double>::quiet_NaN();
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
};

inline ParsedExposition parseExposition(const std::string& text) {
  ParsedExposition parsed;
  EXPECT_TRUE(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, family;
    if (line.starts_with('#')) {
      words >> hash >> what >> family;
      std::string rest;
      std::getline(words >> std::ws, rest);
      EXPECT_TRUE(what == "HELP" || what == "TYPE") << line;
      auto& table = what == "HELP" ? parsed.help : parsed.types;
      EXPECT_TRUE(table.emplace(family, rest).second) << "twice: " << line;
      continue;
    }
    const std::size_t space = line.rfind(' ');
    if (space == std::string::npos) {
      ADD_FAILURE() << "no value: " << line;
      continue;
    }
    const std::string value = line.substr(space + 1);
    const double number = ParsedExposition::number(value);
    EXPECT_EQ(number, number) << "not a number: " << line;
    EXPECT_TRUE(parsed.series.emplace(line.substr(0, space), number).second) << "twice: " << line;
    parsed.rawValues[line.substr(0, space)] = value;
  }
  return parsed;
}

}  // namespace redline::test
